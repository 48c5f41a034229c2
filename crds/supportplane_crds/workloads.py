"""``spec.images`` and ``spec.workloads``: what the pods of an agent on a cluster run, get, and where they run."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from supportplane_crds.lists import MapBy
from supportplane_crds.objects import ContractModel
from supportplane_crds.references import SecretRef
from supportplane_crds.resources import Annotations, Labels, Resources, Tolerations
from supportplane_crds.text import ImageReference


class TopologySpread(StrEnum):
    """Over what the pods of a role are spread evenly."""

    ZONE = "Zone"
    NODE = "Node"
    DISABLED = "Disabled"


class Images(ContractModel):
    """Which images the pods run."""

    runtime: ImageReference | None = Field(
        default=None, description="Image of Supportplane; without it that of the class, else the operator's own."
    )
    image_pull_secrets: Annotated[tuple[SecretRef, ...], MapBy("name")] = Field(
        default=(), max_length=8, description="Secrets to pull images with."
    )


class Workload(ContractModel):
    """How the pods of one role run."""

    resources: Resources | None = Field(default=None, description="CPUs and memory of each pod.")
    node_selector: Labels = Field(
        default={}, max_length=16, description="Labels that a node must have to run these pods."
    )
    tolerations: Tolerations = Field(
        default=(), max_length=16, description="Taints of nodes that these pods put up with."
    )
    topology_spread: TopologySpread = Field(
        default=TopologySpread.NODE,
        description="Over what these pods are spread evenly, where that can be had. Zone: zones. Node: nodes. "
        "Disabled: as the scheduler likes.",
    )
    annotations: Annotations = Field(default={}, max_length=16, description="Annotations of these pods.")


class Workloads(ContractModel):
    """How the pods of each role run."""

    gateway: Workload | None = Field(default=None, description="How the pods run that take requests.")
    orchestrator: Workload | None = Field(default=None, description="How the pods run that work on turns.")
    knowledge: Workload | None = Field(default=None, description="How the pods of jobs run that read documents.")
