"""``ModelEndpoint.spec.serving``: a model server that the operator runs on the cluster."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from supportplane_crds.objects import ContractModel
from supportplane_crds.references import HubTokenRef
from supportplane_crds.resources import Labels, Resources, Storage, Tolerations, never_smaller
from supportplane_crds.rules import Change
from supportplane_crds.text import ImageReference, ModelId, ObjectName, ResourceName


class ServingEngine(StrEnum):
    """Which program serves the model."""

    TGI = "TGI"
    VLLM = "VLLM"
    LLAMA_CPP = "LlamaCpp"


class Gpu(ContractModel):
    """GPUs of a model server."""

    resource_name: ResourceName = Field(default="nvidia.com/gpu", description="Resource that nodes offer GPUs as.")
    count: int = Field(default=0, ge=0, le=16, description="GPUs of each pod; 0 for a model that runs on CPUs.")


class Serving(ContractModel):
    """A model server that runs on the cluster."""

    changes: ClassVar[tuple[Change, ...]] = (
        never_smaller("cacheSize"),
        Change(
            "has(self.storageClassName) == has(oldSelf.storageClassName)"
            " && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
            "storageClassName cannot be changed: the volume is made once; make another ModelEndpoint",
        ),
    )

    engine: ServingEngine = Field(
        description="Program that serves the model. TGI: text-generation-inference. VLLM: vLLM. LlamaCpp: the server "
        "of llama.cpp."
    )
    image: ImageReference = Field(description="Image of the program.")
    model: ModelId = Field(description="Model to load: its id on the Hugging Face hub, or a path in the image.")
    gpu: Gpu = Field(default=Gpu(), description="GPUs of each pod.")
    cache_size: Storage = Field(default="20Gi", description="Size of the volume that the model is downloaded to.")
    storage_class_name: ObjectName | None = Field(
        default=None, description="StorageClass of the volume; without it the cluster's default."
    )
    hub_token_secret_ref: HubTokenRef | None = Field(
        default=None, description="Secret with a token of the hub, for models that need one."
    )
    resources: Resources | None = Field(default=None, description="CPUs and memory of each pod.")
    replicas: int = Field(
        default=1,
        ge=1,
        le=20,
        description="Number of pods. A single pod keeps the model on a volume that outlives it; each of several "
        "downloads it to a volume of its own, which goes with the pod.",
    )
    node_selector: Labels = Field(
        default={}, max_length=16, description="Labels that a node must have to run these pods."
    )
    tolerations: Tolerations = Field(
        default=(), max_length=16, description="Taints of nodes that these pods put up with."
    )
