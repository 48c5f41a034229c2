"""What a sentence says that its passage does not hold, or turns round: hard rules that no judge can overrule; pure.

Each rule is fail-closed about what it can see and silent about what it cannot: number, unit, name, code, denial, how
binding, how often, order, opposite, whose. A sentence that breaks none is not thereby proven: that is for verify.py or
for a judge of meaning.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence import alignment
from supportplane_runtime.rag.evidence.marks import statement
from supportplane_runtime.rag.evidence.rules.binding import is_bound_to_another
from supportplane_runtime.rag.evidence.rules.case import Case
from supportplane_runtime.rag.evidence.rules.denying import is_turned
from supportplane_runtime.rag.evidence.rules.names import has_other_code, has_other_name
from supportplane_runtime.rag.evidence.rules.numbers import has_other_number, has_other_unit
from supportplane_runtime.rag.evidence.rules.order import has_other_order
from supportplane_runtime.rag.evidence.rules.outside import is_outside
from supportplane_runtime.rag.evidence.rules.wording import has_opposite, has_other_modality, has_other_quantifier


class Breach(StrEnum):
    NUMBER = "number"
    UNIT = "unit"
    NAME = "name"
    CODE = "code"
    DENIAL = "denial"
    MODALITY = "modality"
    QUANTIFIER = "quantifier"
    ORDER = "order"
    OPPOSITE = "opposite"
    BINDING = "binding"
    OUTSIDE = "outside"


Rule = Callable[[Case], bool]


def breach(claim: str, passage: str, *, spoken: Language, written: Language) -> Breach | None:
    """The first rule that the claim breaks. spoken: language of the claim, written: of the passage."""
    case = Case(statement(claim, spoken), spoken, alignment.taken_apart(passage, written), spoken.code == written.code)
    return next((name for name, broken in _RULES.items() if broken(case)), None)


_RULES: Final[dict[Breach, Rule]] = {
    Breach.CODE: has_other_code,
    Breach.NAME: has_other_name,
    Breach.NUMBER: has_other_number,
    Breach.UNIT: has_other_unit,
    Breach.DENIAL: is_turned,
    Breach.ORDER: has_other_order,
    Breach.MODALITY: has_other_modality,
    Breach.QUANTIFIER: has_other_quantifier,
    Breach.OPPOSITE: has_opposite,
    Breach.BINDING: is_bound_to_another,
    Breach.OUTSIDE: is_outside,
}
