"""Durations and decimals: text in YAML, ``timedelta`` and ``Decimal`` in Python, text again when dumped.

``Duration`` is the only type for a length of time in the contract and ``DecimalText`` the only one for a fraction
(floats are not portable in Kubernetes objects). Both carry their bounds, so one sentence says form and range.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from supportplane_crds.rules import Rule, enforce

MAX_LENGTH = 32  # longer than any value that makes sense; the rules decide what is right
# At most six digits a unit: a sum never leaves the range of the API server's duration (292 years).
_DURATION_FORM = "([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?"
_DECIMAL_FORM = "[0-9]{1,6}([.][0-9]{1,6})?"


def parse_duration(text: str) -> timedelta | None:
    """45s, 2m, 1h30m, 500ms: units from the largest down. None when the text is no duration."""
    found = re.fullmatch(_DURATION_FORM, text)
    if found is None or not text:
        return None
    hours, minutes, seconds, milliseconds = (int(part.rstrip("hms")) if part else 0 for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)


def format_duration(value: timedelta) -> str:
    """The shortest text that ``parse_duration`` reads as this value: 90 s is 1m30s."""
    parts = ""
    for unit, size in (("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1))):
        count, value = divmod(value, size)
        parts += f"{count}{unit}" if count else ""
    milliseconds = value // timedelta(milliseconds=1)
    return parts + (f"{milliseconds}ms" if milliseconds or not parts else "")


@dataclass(frozen=True, slots=True)
class Duration:
    """Annotation of a ``timedelta`` field. minimum, maximum: as in YAML, both allowed values."""

    minimum: str
    maximum: str

    @property
    def rule(self) -> Rule:
        return Rule(
            f"size(self) > 0 && self.matches(r'^{_DURATION_FORM}$')"
            f" && duration(self) >= duration('{self.minimum}') && duration(self) <= duration('{self.maximum}')",
            f"must be a duration from {self.minimum} to {self.maximum}, written like 500ms, 45s, 2m or 1h30m",
            self._is_in_range,
        )

    def _is_in_range(self, text: str) -> bool:
        value, low, high = (parse_duration(part) for part in (text, self.minimum, self.maximum))
        return value is not None and low is not None and high is not None and low <= value <= high

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        rule = self.rule

        def parse(text: str) -> timedelta | None:
            enforce([rule], text)
            return parse_duration(text)

        return _text_schema(timedelta, parse=parse, render=format_duration)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return _text_json_schema(self.rule)


@dataclass(frozen=True, slots=True)
class DecimalText:
    """Annotation of a ``Decimal`` field. minimum, maximum: as in YAML, both allowed values."""

    minimum: str
    maximum: str

    @property
    def rule(self) -> Rule:
        return Rule(
            f"self.matches(r'^{_DECIMAL_FORM}$')"
            f" && double(self) >= double('{self.minimum}') && double(self) <= double('{self.maximum}')",
            f"must be a decimal number from {self.minimum} to {self.maximum} in quotes, such as '{self.minimum}.5'",
            self._is_in_range,
        )

    def _is_in_range(self, text: str) -> bool:
        if re.fullmatch(_DECIMAL_FORM, text) is None:
            return False
        return Decimal(self.minimum) <= Decimal(text) <= Decimal(self.maximum)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        rule = self.rule

        def parse(text: str) -> Decimal:
            enforce([rule], text)
            return Decimal(text)

        return _text_schema(Decimal, parse=parse, render=str)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return _text_json_schema(self.rule)


def _text_schema(python_type: type, *, parse: Any, render: Any) -> CoreSchema:
    """Text from YAML goes through ``parse``; code may also pass the Python value itself."""
    text = core_schema.no_info_after_validator_function(
        parse, core_schema.str_schema(strict=True, max_length=MAX_LENGTH)
    )
    return core_schema.json_or_python_schema(
        json_schema=text,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(python_type), text]),
        serialization=core_schema.plain_serializer_function_ser_schema(render),
    )


def _text_json_schema(rule: Rule) -> JsonSchemaValue:
    return {"type": "string", "maxLength": MAX_LENGTH, "x-kubernetes-validations": [rule.as_validation()]}
