"""``spec.scaling``: how many pods an agent on a cluster has, fixed or by load, and how many may be away at once."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from supportplane_crds.lists import MapBy
from supportplane_crds.objects import ContractModel
from supportplane_crds.rules import Rule

MAX_REPLICAS = 500


class AutoscalingProvider(StrEnum):
    """Who changes the number of pods."""

    HPA = "HPA"
    KEDA = "KEDA"


class ScalingMetric(StrEnum):
    """What the number of pods follows."""

    CPU_UTILIZATION = "CPUUtilization"
    MEMORY_UTILIZATION = "MemoryUtilization"


class ScalingTarget(ContractModel):
    """A load that is held by adding and removing pods."""

    metric: ScalingMetric = Field(
        description="CPUUtilization, MemoryUtilization: average of the pods, in percent of what they request."
    )
    value: int = Field(ge=1, le=100, description="Percentage that is held.")


class Autoscaling(ContractModel):
    """Between how many pods there are, and what the number follows."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.minReplicas <= self.maxReplicas",
            "minReplicas must not be more than maxReplicas",
            lambda scaling: scaling.min_replicas <= scaling.max_replicas,
        ),
    )

    provider: AutoscalingProvider = Field(
        default=AutoscalingProvider.HPA,
        description="HPA: Kubernetes itself. KEDA: a ScaledObject, for clusters where KEDA is installed.",
    )
    min_replicas: int = Field(default=2, ge=1, le=MAX_REPLICAS, description="Fewest pods.")
    max_replicas: int = Field(ge=1, le=MAX_REPLICAS, description="Most pods.")
    targets: Annotated[tuple[ScalingTarget, ...], MapBy("metric")] = Field(
        default=(ScalingTarget(metric=ScalingMetric.CPU_UTILIZATION, value=70),),
        min_length=1,
        max_length=2,
        description="What the number of pods follows; the target that asks for most pods wins.",
    )


class PodDisruptionBudget(ContractModel):
    """How many pods may be taken away on purpose at once, such as while nodes are drained."""

    max_unavailable: int = Field(default=1, ge=1, le=100, description="Pods that may be away at once.")


def _keeps_one(scaling: "Scaling", pods: int | None) -> bool:
    """One pod alone has no budget."""
    return pods is None or pods < 2 or scaling.pod_disruption_budget.max_unavailable < pods


class Scaling(ContractModel):
    """How many pods there are of each role that takes requests."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.replicas) != has(self.autoscaling)",
            "set exactly one of replicas (a fixed number of pods) or autoscaling (as many as the load needs)",
            lambda scaling: (scaling.replicas is None) != (scaling.autoscaling is None),
        ),
        Rule(
            "!has(self.replicas) || self.replicas < 2 || self.podDisruptionBudget.maxUnavailable < self.replicas",
            "podDisruptionBudget.maxUnavailable must be less than replicas, or all pods may be taken away at once",
            lambda scaling: _keeps_one(scaling, scaling.replicas),
        ),
        Rule(
            "!has(self.autoscaling) || self.autoscaling.minReplicas < 2"
            " || self.podDisruptionBudget.maxUnavailable < self.autoscaling.minReplicas",
            "podDisruptionBudget.maxUnavailable must be less than minReplicas, or all pods may be taken away at once",
            lambda scaling: _keeps_one(scaling, scaling.autoscaling.min_replicas if scaling.autoscaling else None),
        ),
    )

    replicas: int | None = Field(
        default=None,
        ge=0,
        le=MAX_REPLICAS,
        description="A fixed number of pods; 2 when scaling is not set at all.",
    )
    autoscaling: Autoscaling | None = Field(default=None, description="As many pods as the load needs.")
    pod_disruption_budget: PodDisruptionBudget = Field(
        default=PodDisruptionBudget(),
        description="How many pods may be taken away on purpose at once; one pod alone has no budget.",
    )
