"""The kind ``SupportAgentClass``: what the agents of a cluster share, set once by those who run the cluster.

An agent names its class in ``spec.classRef``; what the agent sets itself wins.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from supportplane_crds.lists import MapBy
from supportplane_crds.objects import API_VERSION, Column, ContractModel, KubernetesObject
from supportplane_crds.references import GatewayRef, SecretRef
from supportplane_crds.text import ImageReference, ObjectName
from supportplane_crds.workloads import Workloads


class ClassImages(ContractModel):
    """Which images pods run."""

    runtime: ImageReference | None = Field(
        default=None, description="Image of Supportplane; without it the operator's own."
    )
    redis: ImageReference | None = Field(
        default=None, description="Image of managed caches; without it the operator's own."
    )
    weaviate: ImageReference | None = Field(
        default=None, description="Image of managed vector stores; without it the operator's own."
    )
    image_pull_secrets: Annotated[tuple[SecretRef, ...], MapBy("name")] = Field(
        default=(), max_length=8, description="Secrets to pull images with, in the namespace of each agent."
    )


class ClassStore(ContractModel):
    """A store of agents that name none."""

    secret_ref: SecretRef = Field(description="Secret in the namespace of each agent whose key uri is the store's URL.")


class ClassGateway(ContractModel):
    """How agents are reached that set hostnames, but neither parentRefs nor ingress."""

    parent_refs: Annotated[tuple[GatewayRef, ...], MapBy("name")] = Field(
        default=(), max_length=4, description="Gateways that serve the host names."
    )
    ingress_class_name: ObjectName | None = Field(
        default=None, description="IngressClass for the host names; parentRefs win over it."
    )


class SupportAgentClassSpec(ContractModel):
    """What agents of this class share."""

    images: ClassImages = Field(default=ClassImages(), description="Which images pods run.")
    database: ClassStore | None = Field(default=None, description="The PostgreSQL of agents that name none.")
    cache: ClassStore | None = Field(default=None, description="The Redis of agents that name none.")
    gateway: ClassGateway = Field(default=ClassGateway(), description="How agents with host names are reached.")
    workloads: Workloads = Field(
        default=Workloads(), description="How pods run, for each role that the agent says nothing of."
    )


class SupportAgentClass(KubernetesObject):
    """What the agents of a cluster share: images, stores, routes and resources."""

    plural: ClassVar[str] = "supportagentclasses"
    short_names: ClassVar[tuple[str, ...]] = ("sagentclass",)
    is_namespaced: ClassVar[bool] = False
    columns: ClassVar[tuple[Column, ...]] = (Column("Image", ".spec.images.runtime"),)

    api_version: Literal["supportplane.io/v1alpha1"] = Field(
        default=API_VERSION, description="Version of the contract."
    )
    kind: Literal["SupportAgentClass"] = Field(default="SupportAgentClass", description="The kind of the object.")
    spec: SupportAgentClassSpec = Field(description="What agents of this class share.")
