"""The rules (CEL) of a custom kind, evaluated by the official runtime as the API server evaluates them.

A rule that speaks of ``oldSelf`` is about a change and is left out where nothing was there before. Entries of a list
are matched by their keys; a list that is replaced as a whole has no old entries.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from support.api_server.refusals import Cause, not_modelled
from support.api_server.shapes import Node, Shape, child, items, keys_of, resolved, shape_of
from supportplane_crds.resources import parse_quantity

cel = pytest.importorskip("cel_expr_python.cel", reason="cel-expr-python has wheels for Linux only")
_UNUSUAL = {"messageExpression", "optionalOldSelf"}


@cache
def _environment() -> Any:
    """With the API server's own functions on quantities; here a quantity is a number."""
    number, text = cel.Type.DOUBLE, cel.Type.STRING
    quantity = cel.Overload("quantity", number, [text], impl=lambda value: float(parse_quantity(value)))
    compare = cel.Overload(
        "compare", cel.Type.INT, [number, number], is_member=True, impl=lambda one, other: (one > other) - (one < other)
    )
    functions = [cel.FunctionDecl("quantity", [quantity]), cel.FunctionDecl("compareTo", [compare])]
    return cel.NewEnv(variables={"self": cel.Type.DYN, "oldSelf": cel.Type.DYN}, functions=functions)


@cache
def _compiled(expression: str) -> Any:
    return _environment().compile(expression)


def broken(node: Node, value: Any, old: Any = None, path: str = "") -> Iterator[Cause]:
    """Every rule that does not hold, at its field."""
    node = resolved(node)
    for rule in node.get("x-kubernetes-validations", ()):
        if not _holds(rule, value, old):
            shown = rule.get("fieldPath", "")
            sentence = rule.get("message") or f"failed rule: {rule['rule']}"
            yield Cause(f"{path}{shown}".lstrip(".") or "<nil>", f"Invalid value: {sentence}")
    if isinstance(value, dict):
        for name, part in value.items():
            before = old.get(name) if isinstance(old, dict) else None
            yield from broken(child(node, name), part, before, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and "items" in node:
        known = _by_key(node, old)
        for index, part in enumerate(value):
            before = known.get(keys_of(node, part)) if known else None
            yield from broken(items(node), part, before, f"{path}[{index}]")


def _holds(rule: dict[str, Any], value: Any, old: Any) -> bool:
    if _UNUSUAL & rule.keys():
        raise not_modelled(f"a rule with one of {sorted(_UNUSUAL)}")
    if isinstance(value, str) and "\0" in value:
        raise not_modelled("a rule on a text with NUL, where the runtime's binding cuts the text off")
    if "oldSelf" in rule["rule"] and old is None:
        return True
    return _compiled(rule["rule"]).eval(data={"self": value, "oldSelf": old}).value() is True


def _by_key(node: Node, old: Any) -> dict[str, Any]:
    if not isinstance(old, list) or shape_of(node, old) is not Shape.LIST:
        return {}
    return {keys_of(node, each): each for each in old}
