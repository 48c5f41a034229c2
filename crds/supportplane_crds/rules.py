"""One rule, two enforcers: a CEL expression for the API server and a Python check, with one sentence for both.

A ``Rule`` stands on a scalar type (as an annotation) or on a model (in ``rules``). The generator writes its CEL and
message into the CRD, pydantic runs its check with the same message, so neither can be changed without the other.
tests/unit/crds/test_rule_agreement.py evaluates the CEL of every rule against its check.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

RULE_BROKEN = "rule_broken"


@dataclass(frozen=True, slots=True)
class Rule:
    """cel: expression over ``self`` as the API server sees it (after defaults). check: the same over the Python value.

    message: what the user must do, a sentence that can follow "spec.x: ".
    """

    cel: str
    message: str
    check: Callable[[Any], bool]

    def at(self, field: str) -> "Rule":
        """This rule seen from an enclosing object, where the value is ``self.<field>``; for the CRD only."""
        return Rule(re.sub(r"\bself\b", f"self.{field}", self.cel), f"{field} {self.message}", self.check)

    def as_validation(self) -> dict[str, str]:
        """The entry of x-kubernetes-validations."""
        return {"rule": self.cel, "message": self.message}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._enforced, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return with_validations(handler(schema), [self])

    def _enforced(self, value: Any) -> Any:
        enforce([self], value)
        return value


@dataclass(frozen=True, slots=True)
class Change:
    """What may become of a stored object; an API server alone can compare. cel: over ``oldSelf`` and ``self``."""

    cel: str
    message: str

    def as_validation(self) -> dict[str, str]:
        return {"rule": self.cel, "message": self.message}


def enforce(rules: Sequence[Rule], value: Any) -> None:
    """Raise one pydantic error that carries the sentence of every broken rule (a validator may raise only once)."""
    broken = [rule.message for rule in rules if not rule.check(value)]
    if broken:
        raise PydanticCustomError(RULE_BROKEN, "{text}", {"text": "; ".join(broken), "messages": broken})


def with_validations(json_schema: JsonSchemaValue, rules: Sequence[Rule | Change]) -> JsonSchemaValue:
    """The schema with the rules' CEL added."""
    validations = [*json_schema.get("x-kubernetes-validations", []), *(rule.as_validation() for rule in rules)]
    return {**json_schema, "x-kubernetes-validations": validations} if validations else json_schema


def pattern_rule(pattern: str, message: str, *, max_length: int | None = None, and_also: str | None = None) -> Rule:
    """A whole-string pattern, of what Python's re and the API server's RE2 read alike (no classes by letter).

    and_also: another one that the text must match, too.
    """
    if and_also is not None:
        first, second = pattern_rule(pattern, message), pattern_rule(and_also, message)
        return Rule(f"{first.cel} && {second.cel}", message, lambda text: first.check(text) and second.check(text))
    compiled = re.compile(pattern)
    cel = f"self.matches(r'^({pattern})$')"
    if max_length is None:
        return Rule(cel, message, lambda text: compiled.fullmatch(text) is not None)
    return Rule(
        f"size(self) <= {max_length} && {cel}",
        message,
        lambda text: len(text) <= max_length and compiled.fullmatch(text) is not None,
    )
