"""How much a pod gets and where it may run: quantities, requests and limits, node selectors, tolerations.

Field names are those of a pod, so that what is dumped can stand in a pod's specification.
"""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from supportplane_crds.lists import MapBy
from supportplane_crds.objects import ContractModel
from supportplane_crds.rules import Rule, pattern_rule
from supportplane_crds.text import QUALIFIED_NAME, LabelValue, QualifiedName

_NUMBER = "([1-9][0-9]{0,14}([.][0-9]{1,3})?|0[.]([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))"
_BYTES_FORM = f"{_NUMBER}(k|Ki|M|Mi|G|Gi|T|Ti)?"
_CPU_FORM = "([1-9][0-9]{0,5}m|[1-9][0-9]{0,3}([.][0-9]{1,3})?|0[.]([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))"
_SCALES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGT", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGT", 1)},
}

Quantity = Annotated[
    str,
    StringConstraints(max_length=32),
    pattern_rule(
        _BYTES_FORM,
        "must be a size such as 512Mi or 10Gi: a number above 0 and one of k, Ki, M, Mi, G, Gi, T, Ti or nothing",
    ),
]
"""Bytes of memory or storage, as Kubernetes writes them."""

Cpu = Annotated[
    str,
    StringConstraints(max_length=32),
    pattern_rule(_CPU_FORM, "must be a number of CPUs above 0 such as 2, 0.5 or 250m (thousandths)"),
]
"""CPUs, as Kubernetes writes them."""


def parse_quantity(text: str) -> Decimal:
    """Bytes or CPUs. text: a ``Quantity`` or ``Cpu``."""
    number, unit = re.fullmatch("([0-9.]+)([a-zA-Z]*)", text).groups()  # type: ignore[union-attr]
    return Decimal(number) * _SCALES[unit]


class ResourceAmounts(ContractModel):
    """CPUs and memory of one pod."""

    cpu: Cpu | None = Field(default=None, description="CPUs, such as 500m or 2.")
    memory: Quantity | None = Field(default=None, description="Memory, such as 512Mi or 2Gi.")


def _is_within(resource: str) -> Any:
    """Check that a request is no more than its limit."""

    def check(resources: "Resources") -> bool:
        wanted, most = getattr(resources.requests, resource, None), getattr(resources.limits, resource, None)
        return wanted is None or most is None or parse_quantity(wanted) <= parse_quantity(most)

    return check


def _within_rule(resource: str) -> Rule:
    both = " && ".join(f"has(self.{part}) && has(self.{part}.{resource})" for part in ("requests", "limits"))
    order = f"quantity(self.requests.{resource}).compareTo(quantity(self.limits.{resource})) <= 0"
    message = f"requests.{resource} must not be more than limits.{resource}"
    return Rule(f"!({both}) || {order}", message, _is_within(resource))


class Resources(ContractModel):
    """What one pod gets."""

    rules: ClassVar[tuple[Rule, ...]] = (_within_rule("cpu"), _within_rule("memory"))

    requests: ResourceAmounts | None = Field(default=None, description="What a node must have free for a pod.")
    limits: ResourceAmounts | None = Field(
        default=None, description="What a pod may use at most; with more memory it is ended."
    )


class TolerationOperator(StrEnum):
    """How a toleration is compared with a taint."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


KEYS_RULE = Rule(
    f"self.all(key, size(key) <= 317 && key.matches(r'^({QUALIFIED_NAME})$'))",
    "must have keys such as disk or example.com/disk: letters, digits, '-', '_' and '.', with or without a domain",
    lambda entries: all(len(key) <= 317 and re.fullmatch(QUALIFIED_NAME, key) for key in entries),
)

Labels = Annotated[dict[str, LabelValue], KEYS_RULE]
"""Labels, as nodes and namespaces have them."""

Annotations = Annotated[dict[str, Annotated[str, StringConstraints(max_length=1024)]], KEYS_RULE]


class Toleration(ContractModel):
    """A taint of nodes that pods put up with."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(self.operator == 'Equal') == has(self.value)",
            "operator Equal needs value, and operator Exists has none",
            lambda toleration: (toleration.operator is TolerationOperator.EQUAL) == (toleration.value is not None),
        ),
    )

    key: QualifiedName = Field(description="Key of the taint.")
    operator: TolerationOperator = Field(
        default=TolerationOperator.EQUAL,
        description="Equal: the taint has this value. Exists: the taint may have any value.",
    )
    value: LabelValue | None = Field(default=None, description="With operator Equal: value of the taint.")
    effect: TaintEffect | None = Field(default=None, description="Effect of the taint; without it every effect.")


Tolerations = Annotated[tuple[Toleration, ...], MapBy("key")]
