"""YAML text to documents of plain values that still know their lines. ``load.py`` calls this.

Accepts what a YAML 1.1 reader (kubectl) and a YAML 1.2 reader understand alike, and nothing that could surprise:
no tags, no merge keys, no duplicate keys, no ``yes`` without quotes. Size, depth and the growth by aliases are
bounded before anything is built. It knows nothing of kinds and fields.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, NodeEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from supportplane_crds.errors import Problem

MAX_BYTES = 1024 * 1024  # etcd refuses objects above 1.5 MiB; an agent file has some KiB
MAX_NODES = 10_000  # values after aliases are expanded; the full sample has under 200
MAX_DEPTH = 32  # the deepest field of the contract is at 8

Path = tuple[str | int, ...]

_SWITCH_WORDS = re.compile("y|n|yes|no|on|off", re.IGNORECASE)  # booleans to YAML 1.1, text to YAML 1.2
_PLAIN_INTEGER = re.compile("[-+]?(0|[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a value begins, counted from 1; None for a value that was never text."""

    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document. values: dict, list and scalars as JSON has them. positions: of every key and entry.

    problems: values that YAML readers understand differently; an empty text stands in their place.
    """

    values: Any
    positions: dict[Path, Position]
    problems: tuple[Problem, ...]

    def position(self, path: Path) -> Position:
        """Of the path, or of the nearest thing around it (a missing field has no line of its own)."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, Position())


class Unreadable(Exception):
    """The text as a whole cannot be used; inside this package only."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        line, column = (None, None) if position is None else (position.line, position.column)
        self.problem = Problem(message, line=line, column=column)


def read_documents(text: str) -> list[Document]:
    """The documents of a text, without empty ones. Raises Unreadable when there is nothing to read."""
    try:
        _check_bounds(text)
        nodes = [node for node in _reader().compose_all(text) if not _is_empty(node)]
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise Unreadable("the file holds a character that YAML does not allow", Position(line, 1)) from error
    except MarkedYAMLError as error:
        raise Unreadable(f"not valid YAML: {_reason(error)}", _position(error.problem_mark)) from error
    except (YAMLError, ValueError) as error:
        raise Unreadable(f"not valid YAML: {error}") from error
    documents, count = [], 0
    for node in nodes:
        builder = _Builder(count)
        documents.append(Document(builder.value(node, ()), builder.positions, tuple(builder.problems)))
        count = builder.count
    return documents


def _reader() -> YAML:
    reader = YAML(typ="safe", pure=True)
    reader.allow_duplicate_keys = True  # the builder names them with both lines
    return reader


def _is_empty(node: Node | None) -> bool:
    """A document of nothing, such as after a trailing ---."""
    return node is None or (isinstance(node, ScalarNode) and node.value == "" and node.style is None)


def _reason(error: MarkedYAMLError) -> str:
    return " ".join(str(part) for part in (error.context, error.problem) if part)


def _position(mark: StringMark | None) -> Position | None:
    return None if mark is None else Position(mark.line + 1, mark.column + 1)


def _check_bounds(text: str) -> None:
    """Refuse depth, size and tags on the stream of events, before recursion or memory can suffer."""
    depth = count = 0
    for event in _reader().parse(text):
        if isinstance(event, CollectionEndEvent):
            depth -= 1
        if not isinstance(event, NodeEvent):
            continue
        count += 1
        depth += isinstance(event, CollectionStartEvent)
        where = _position(event.start_mark)
        if count > MAX_NODES:
            raise Unreadable(f"more than {MAX_NODES} values: an agent file is much smaller", where)
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} levels deep", where)
        if _has_tag(event):
            raise Unreadable("tags (!name) are not allowed: values are text, numbers, lists and mappings", where)


def _has_tag(event: NodeEvent) -> bool:
    """Whether the author wrote a tag; quotes and plain text imply theirs."""
    if isinstance(event, ScalarEvent):
        return event.tag is not None and not any(event.implicit)
    return isinstance(event, CollectionStartEvent) and event.tag is not None and not event.implicit


@dataclass
class _Builder:
    """Turns nodes into values, collecting problems. count: values so far in the whole file, aliases expanded."""

    count: int
    problems: list[Problem] = field(default_factory=list)
    positions: dict[Path, Position] = field(default_factory=dict)

    def value(self, node: Node, path: Path) -> Any:
        self.count += 1
        self.positions.setdefault(path, _start(node))
        if self.count > MAX_NODES or len(path) > MAX_DEPTH:
            raise Unreadable("aliases (*name) make the file far larger than it looks: write them out", _start(node))
        if isinstance(node, MappingNode):
            return dict(self._entries(node, path))
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path, self.positions[path])

    def _entries(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        lines: dict[str, int | None] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in lines:
                self._refuse(_start(key_node), (*path, key), f"stands here twice; the first is in line {lines[key]}")
                continue
            lines[key] = _start(key_node).line
            self.positions[*path, key] = _start(key_node)
            yield key, self.value(value_node, (*path, key))

    def _key(self, node: Node, path: Path) -> str | None:
        if _tag(node) == "merge":
            self._refuse(_start(node), path, "merge keys (<<) are not allowed: write the fields out")
            return None
        key = self._scalar(node, path, _start(node)) if isinstance(node, ScalarNode) else None
        if not isinstance(key, str):
            self._refuse(_start(node), path, "a field's name must be text")
            return None
        return key

    def _scalar(self, node: Node, path: Path, place: Position) -> Any:
        """The value of a scalar. place: of its key, for complaints; an unusable value is reported and becomes ""."""
        text, tag = str(node.value), _tag(node)
        complaint = _complaint(text, tag, is_plain=getattr(node, "style", None) is None)
        if complaint:
            self._refuse(place, path, complaint)
            return ""
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag == "int":
            return int(text)
        return float(text) if tag == "float" else text

    def _refuse(self, place: Position, path: Path, message: str) -> None:
        self.problems.append(Problem(message, path=render_path(path), line=place.line, column=place.column))


def _complaint(text: str, tag: str, *, is_plain: bool) -> str | None:
    """What is wrong with a scalar, if anything."""
    if is_plain and _SWITCH_WORDS.fullmatch(text):
        return f"{text} without quotes is a boolean to some YAML readers: write '{text}', or true or false"
    if tag == "null" and is_plain:
        return "has no value: give one or remove the line"
    if tag == "int" and not _PLAIN_INTEGER.fullmatch(text):
        return f"{text[:40]} is not read as the same number everywhere: write plain decimal digits, at most 18"
    if tag == "float" and not math.isfinite(_float(text)):
        return f"{text[:40]} is not a number"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half of a surrogate pair, which is no text"
    return None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _tag(node: Node) -> str:
    """The last word of a resolved tag: int of tag:yaml.org,2002:int."""
    return str(node.tag).rpartition(":")[2]


def _start(node: Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def render_path(path: Path) -> str:
    """("spec", "knowledge", 0, "name") as spec.knowledge[0].name."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
