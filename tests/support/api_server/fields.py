"""Sets of fields, and what server-side apply does with them: merge, compare, and take away. Pure.

A field is a path of elements spelled as in managed fields: ``f:name`` for a field, ``k:{...}`` for a list entry by its
keys, ``v:...`` for a value of a set. The rules are those of Kubernetes' structured-merge-diff, version 6.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from support.api_server.shapes import Node, Shape, Undeclared, as_text, child, is_declared, items, keys_of, shape_of

Path: TypeAlias = tuple[str, ...]
Fields: TypeAlias = frozenset[Path]
NOTHING: Fields = frozenset()
_ABSENT = object()


class Wrong(Exception):
    """A field that an apply may not carry. path: where."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{dotted(path)}: {problem}")


@dataclass(frozen=True, slots=True)
class Difference:
    added: Fields
    removed: Fields
    modified: Fields


# Sets


def fields_of(node: Node, value: Any) -> Fields:
    """What an apply of the value claims. Raises Wrong."""
    return frozenset(_claimed(node, value, ()))


def _claimed(node: Node, value: Any, path: Path) -> Iterator[Path]:
    entries = list(_parts(node, value, path))
    if not entries and path:
        yield path
    for element, below, part in entries:
        if not element.startswith("f:"):
            yield (*path, element)
        if not element.startswith("v:"):
            yield from _claimed(below, part, (*path, element))


def _parts(node: Node, value: Any, path: Path) -> Iterator[tuple[str, Node, Any]]:
    """Element, schema and value of each part; nothing for one value. Raises Wrong for what the schema does not have."""
    shape = shape_of(node, value)
    if shape is Shape.MAP and isinstance(value, Mapping):
        for name, part in value.items():
            try:
                yield f"f:{name}", child(node, name), part
            except Undeclared as unknown:
                raise Wrong((*path, f"f:{unknown.name}"), "field not declared in schema") from unknown
    elif shape in {Shape.LIST, Shape.SET} and isinstance(value, list):
        for element, part in _by_element(node, value, path).items():
            yield element, items(node), part


def _by_element(node: Node, value: Iterable[Any], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    is_set = shape_of(node, value) is Shape.SET
    for part in value:
        element = f"v:{as_text(part)}" if is_set else f"k:{keys_of(node, part)}"
        if element in found:
            raise Wrong(path, f"duplicate entries for key {element[2:]}")
        found[element] = part
    return found


def with_ancestors(node: Node, fields: Fields) -> Fields:
    """And every field of the kind's own that one of them lies in."""
    return fields | {path[:length] for path in fields for length in _named(node, path)}


def _named(node: Node, path: Path) -> Iterator[int]:
    for length, element in enumerate(path[:-1], start=1):
        if element.startswith("f:"):
            name = element[2:]
            if is_declared(node, name):
                yield length
            node = child(node, name)
        else:
            node = items(node)


# Values


def merged(node: Node, live: Any, wanted: Any) -> Any:
    """The stored value with what an apply wants of it."""
    if live is None or type(live) is not type(wanted):
        return wanted
    match shape_of(node, wanted):
        case Shape.MAP:
            parts = {name: merged(child(node, name), live.get(name), part) for name, part in wanted.items()}
            return {**live, **parts}
        case Shape.LIST | Shape.SET:
            return _merged_entries(node, live, wanted)
    return wanted


def _merged_entries(node: Node, live: list[Any], wanted: list[Any]) -> list[Any]:
    """In the order of the apply; an entry that only the stored list has stays before what came after that entry."""
    old, new = _by_element(node, live, ()), _by_element(node, wanted, ())
    found: list[Any] = []
    waiting = list(old)
    for element, part in new.items():
        found += [old[each] for each in _passed(waiting, element, new) if each not in new]
        found.append(merged(items(node), old.get(element), part))
    return [*found, *(old[each] for each in waiting if each not in new)]


def _passed(waiting: list[str], element: str, new: Mapping[str, Any]) -> list[str]:
    """Takes the stored entries that come before this one; before a new one those that only the stored list has."""
    if element in waiting:
        count = waiting.index(element) + 1
    else:
        count = next((index for index, each in enumerate(waiting) if each in new), len(waiting))
    passed, waiting[:] = waiting[:count], waiting[count:]
    return passed


def without(node: Node, value: Any, unwanted: Fields) -> Any:
    """The value without these fields and entries."""
    prefixes = {path[:length] for path in unwanted for length in range(1, len(path))}
    return _without(node, value, (unwanted, prefixes), ())


def _without(node: Node, value: Any, unwanted: tuple[Fields, set[Path]], path: Path) -> Any:
    here, below = unwanted
    kept: list[tuple[str, Any]] = []
    for element, schema, part in _parts(node, value, path):
        there = (*path, element)
        if there not in here:
            kept.append((element, _without(schema, part, unwanted, there) if there in below else part))
    if isinstance(value, Mapping):
        return {element[2:]: part for element, part in kept}
    return [part for _, part in kept]


def compared(node: Node, old: Any, new: Any) -> Difference:
    added: set[Path] = set()
    removed: set[Path] = set()
    modified: set[Path] = set()
    _compare(node, (old, new), (), (added, removed, modified))
    return Difference(frozenset(added), frozenset(removed), frozenset(modified))


def _compare(node: Node, pair: tuple[Any, Any], path: Path, found: tuple[set[Path], set[Path], set[Path]]) -> None:
    old, new = pair
    added, removed, modified = found
    parts = [{} if each is _ABSENT else _indexed(node, each, path) for each in pair]
    if path:
        if old is _ABSENT:
            added.add(path)
        elif new is _ABSENT:
            removed.add(path)
        elif not parts[0] and not parts[1] and old != new:
            modified.add(path)
    for element in {**parts[0], **parts[1]}:
        schema = (parts[1].get(element) or parts[0][element])[0]
        sides = (parts[0].get(element, (None, _ABSENT))[1], parts[1].get(element, (None, _ABSENT))[1])
        _compare(schema, sides, (*path, element), found)


def _indexed(node: Node, value: Any, path: Path) -> dict[str, tuple[Node, Any]]:
    return {element: (schema, part) for element, schema, part in _parts(node, value, path)}


# Managed fields


def written(fields: Fields) -> dict[str, Any]:
    """As ``fieldsV1``."""
    found: dict[str, Any] = {}
    for path in sorted(fields):
        at = found
        for element in path:
            at = at.setdefault(element, {})
        at["."] = {}
    return _plain(found)


def _plain(tree: dict[str, Any]) -> dict[str, Any]:
    """A field without fields of its own is written as nothing."""
    return {key: {} if below.keys() <= {"."} else _plain(below) for key, below in tree.items()}


def read(tree: Mapping[str, Any]) -> Fields:
    return frozenset(_paths(tree, ()))


def _paths(tree: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for key, below in tree.items():
        if key == ".":
            yield path
        elif not below:
            yield (*path, key)
        else:
            yield from _paths(below, (*path, key))


def dotted(path: Path) -> str:
    """For people, as in .spec.containers[{"name":"a"}].image."""
    return "".join(f".{each[2:]}" if each.startswith("f:") else f"[{each[2:]}]" for each in path)
