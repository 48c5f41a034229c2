"""Label and field selectors as the operator sends them: equality, sets, and presence of labels; equality of fields."""

import re
from collections.abc import Callable
from typing import Any

from support.api_server.refusals import bad_request, not_modelled

Object = dict[str, Any]
Filter = Callable[[Object], bool]
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]*")
_EQUAL = re.compile(rf"({_LABEL.pattern})\s*(==|=|!=)\s*([A-Za-z0-9._-]*)")
_AMONG = re.compile(rf"({_LABEL.pattern})\s+(in|notin)\s+\(([^)]*)\)")
_PARTS = re.compile(r",(?![^(]*\))")
FIELDS = {
    "Event": {"involvedObject.kind", "involvedObject.name", "type"},
}
EVERY_FIELD = frozenset({"metadata.name", "metadata.namespace"})


def by_labels(selector: str) -> Filter:
    """Raises Refused for one that cannot be read."""
    tests = [_label_test(part.strip()) for part in _PARTS.split(selector)] if selector else []
    return lambda found: all(test(found["metadata"].get("labels") or {}) for test in tests)


def _label_test(part: str) -> Callable[[dict[str, str]], bool]:
    if found := _EQUAL.fullmatch(part):
        key, sign, value = found.groups()
        return lambda labels: (labels.get(key) == value) is (sign != "!=")
    if found := _AMONG.fullmatch(part):
        key, word, listed = found.groups()
        values = {each.strip() for each in listed.split(",")}
        return lambda labels: (labels.get(key) in values) is (word == "in")
    if _LABEL.fullmatch(part):
        return lambda labels: part in labels
    if part.startswith("!") and _LABEL.fullmatch(part[1:]):
        return lambda labels: part[1:] not in labels
    raise bad_request(f"unable to parse requirement: {part!r}")


def by_fields(kind: str, selector: str) -> Filter:
    """Only fields by which the API server selects objects of the kind."""
    tests: list[tuple[str, str]] = []
    for part in selector.split(",") if selector else ():
        name, sign, value = part.partition("=")
        if not sign or name.endswith("!"):
            raise not_modelled(f"the field selector {part!r}")
        if name not in FIELDS.get(kind, set()) | EVERY_FIELD:
            raise bad_request(f'"{name}" is not a known field selector')
        tests.append((name, value.removeprefix("=")))
    return lambda found: all(_value(found, name) == value for name, value in tests)


def _value(found: Object, name: str) -> Any:
    for key in name.split("."):
        found = (found or {}).get(key)  # type: ignore[assignment]  # the last is a text
    return found or ""
