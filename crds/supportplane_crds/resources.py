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
from supportplane_crds.rules import Change, Rule, pattern_rule
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


def parse_quantity(text: str) -> Decimal:
    """Bytes or CPUs. text: as the forms above allow."""
    number, unit = re.fullmatch("([0-9.]+)([a-zA-Z]*)", text).groups()  # type: ignore[union-attr]
    return Decimal(number) * _SCALES[unit]


def _size_rule(least: str, most: str) -> Rule:
    """A size between two: who forgets the unit asks for 512 bytes, with which nothing starts."""

    def check(text: str) -> bool:
        is_size = re.fullmatch(_BYTES_FORM, text) is not None
        return is_size and parse_quantity(least) <= parse_quantity(text) <= parse_quantity(most)

    return Rule(
        f"self.matches(r'^({_BYTES_FORM})$') && quantity(self).compareTo(quantity('{least}')) >= 0"
        f" && quantity(self).compareTo(quantity('{most}')) <= 0",
        f"must be a size from {least} to {most}, such as 512Mi or 10Gi: a number and one of k, Ki, M, Mi, G, Gi, T, Ti "
        "or nothing",
        check,
    )


def never_smaller(field: str) -> Change:
    """A volume can be made larger where its StorageClass can, and never smaller."""
    return Change(
        f"quantity(self.{field}).compareTo(quantity(oldSelf.{field})) >= 0",
        f"{field} can only grow: no volume can be made smaller",
    )


Memory = Annotated[str, StringConstraints(max_length=32), _size_rule("16Mi", "64Ti")]
"""Bytes of memory, as Kubernetes writes them."""

Storage = Annotated[str, StringConstraints(max_length=32), _size_rule("100Mi", "1024Ti")]
"""Bytes of a volume."""

Cpu = Annotated[
    str,
    StringConstraints(max_length=32),
    pattern_rule(_CPU_FORM, "must be a number of CPUs above 0 such as 2, 0.5 or 250m (thousandths)"),
]
"""CPUs, as Kubernetes writes them."""


class ResourceAmounts(ContractModel):
    """CPUs and memory of one pod."""

    cpu: Cpu | None = Field(default=None, description="CPUs, such as 500m or 2.")
    memory: Memory | None = Field(default=None, description="Memory, such as 512Mi or 2Gi.")


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

_RESERVED = "(supportplane[.]io|.*security[.](alpha|beta)[.]kubernetes[.]io)/.*"
RESERVED_RULE = Rule(
    f"self.all(key, !key.matches(r'^({_RESERVED})$'))",
    "must not have keys of supportplane.io/, which are the operator's own, nor such as "
    "container.apparmor.security.beta.kubernetes.io/, which take a pod's confinement away",
    lambda entries: not any(re.fullmatch(_RESERVED, key) for key in entries),
)

Annotations = Annotated[dict[str, Annotated[str, StringConstraints(max_length=1024)]], KEYS_RULE, RESERVED_RULE]


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
