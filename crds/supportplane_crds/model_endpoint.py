"""The kind ``ModelEndpoint``: where a language model answers, in the OpenAI-compatible protocol."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from supportplane_crds.cluster_only import NEEDS_CLUSTER
from supportplane_crds.objects import API_VERSION, Column, ContractModel, KubernetesObject, condition_column
from supportplane_crds.quantity import Duration
from supportplane_crds.references import CredentialsRef
from supportplane_crds.rules import Rule
from supportplane_crds.serving import Serving
from supportplane_crds.status import CompanionStatus
from supportplane_crds.text import PrintableLine, ServerUrl

__all__ = ["CredentialsRef", "EmbeddedModel", "EmbeddedModelName", "ModelEndpoint", "ModelEndpointSpec"]


class EmbeddedModelName(StrEnum):
    """Models that come with Supportplane."""

    SMOLLM2_135M_INSTRUCT = "SmolLM2-135M-Instruct"


class EmbeddedModel(ContractModel):
    """A model that comes with Supportplane and runs on the same machine."""

    model: EmbeddedModelName = Field(
        default=EmbeddedModelName.SMOLLM2_135M_INSTRUCT,
        description="The model. SmolLM2-135M-Instruct has 135 million parameters and needs no GPU.",
    )


class ModelEndpointSpec(ContractModel):
    """Where the model answers."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "size([has(self.embedded), has(self.url), has(self.serving)].filter(is_set, is_set)) == 1",
            "set exactly one of embedded (the model that comes with Supportplane), url (a server of your own) "
            "or serving (a server that runs on the cluster)",
            lambda spec: [spec.embedded, spec.url, spec.serving].count(None) == 2,
        ),
        Rule(
            "!has(self.url) || has(self.model)",
            "url needs model: the name that the server at this address knows the model by",
            lambda spec: spec.url is None or spec.model is not None,
        ),
        Rule(
            "has(self.url) || !has(self.model)",
            "model belongs to url; the embedded model is named by embedded.model, a served one by serving.model",
            lambda spec: spec.url is not None or spec.model is None,
        ),
        Rule(
            "has(self.url) || !has(self.credentialsSecretRef)",
            "credentialsSecretRef belongs to url; embedded and served models need no credentials",
            lambda spec: spec.url is not None or spec.credentials_secret_ref is None,
        ),
    )

    embedded: EmbeddedModel | None = Field(default=None, description="Run a model that comes with Supportplane.")
    url: ServerUrl | None = Field(
        default=None, description="Base URL of an OpenAI-compatible server, such as https://models.example.com/v1."
    )
    model: PrintableLine | None = Field(
        default=None, description="With url: the name that the server knows the model by."
    )
    credentials_secret_ref: CredentialsRef | None = Field(
        default=None, description="With url: the Secret that holds the bearer token."
    )
    serving: Annotated[Serving | None, NEEDS_CLUSTER] = Field(
        default=None, description="On a cluster: run a model server there."
    )
    timeout: Annotated[timedelta, Duration("100ms", "10m")] = Field(
        default=timedelta(seconds=30), description="Longest wait for the first token of an answer."
    )


class ModelEndpoint(KubernetesObject):
    """Where a language model answers: one that comes with Supportplane, or any OpenAI-compatible server."""

    plural: ClassVar[str] = "modelendpoints"
    columns: ClassVar[tuple[Column, ...]] = (
        condition_column("Ready", "Ready", "status"),
        condition_column("Reason", "Ready", "reason"),
        Column("URL", ".spec.url"),
        Column("Embedded", ".spec.embedded.model"),
        Column("Serving", ".spec.serving.model"),
    )
    status_model: ClassVar[type[ContractModel] | None] = CompanionStatus

    api_version: Literal["supportplane.io/v1alpha1"] = Field(
        default=API_VERSION, description="Version of the contract."
    )
    kind: Literal["ModelEndpoint"] = Field(default="ModelEndpoint", description="The kind of the object.")
    spec: ModelEndpointSpec = Field(description="Where the model answers.")
