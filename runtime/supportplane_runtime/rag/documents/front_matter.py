"""What stands above the text of a page (YAML, TOML or JSON) to its fields, for the readers; pure.

Every value stays text: a date that does not exist, a number of 5,000 digits or an odd tag says nothing about the page.
Anchors are not followed, so nothing can grow. What no parser takes is read line by line, because a page whose front
matter is broken may still be a draft. A key that decides whether the page is public has the value UNCLEAR where it is
named and cannot be understood: publishing.py then withholds the page.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from supportplane_runtime.rag.documents.publishing import DECIDING, UNCLEAR

# A guess: a long front matter has 2 KB. The YAML parser takes 10 us a byte; longer ones are read line by line.
MAX_PARSED_CHARACTERS: Final = 32 * 1024
MAX_DEPTH: Final = 20
_FENCES: Final = (
    ("yaml", re.compile(r"\A---[ \t]*(?:ya?ml)?[ \t]*\n(.*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)),
    ("toml", re.compile(r"\A(?:\+\+\+|---[ \t]*toml)[ \t]*\n(.*?\n)??(?:\+\+\+|---)[ \t]*(?:\n|\Z)", re.DOTALL)),
    ("json", re.compile(r"\A(?:;;;|---[ \t]*json)[ \t]*\n(.*?\n)??(?:;;;|---)[ \t]*(?:\n|\Z)", re.DOTALL)),
)
_LINE: Final = re.compile(r"^([A-Za-z_][\w.-]{0,100})[ \t]*[:=](?:[ \t]+|(?=\n)|(?<==))(.{0,1000})", re.MULTILINE)
_PROSE: Final = re.compile(r"\A(?:[ \t]*(?:#.*)?\n)*(?![A-Za-z_][\w.-]{0,100}[ \t]*:(?:[ \t]|\n|\Z))")
# A page of Hugo may begin with a JSON object; any other object at the top of a file is text.
_KNOWN: Final = {"title", "draft", "date", "published", "publishdate", "expirydate", "description", "weight", "slug"}
# Everyday words such as `status` name too much else to withhold a page that no parser takes.
_MENTIONED: Final = "|".join(map(re.escape, sorted(DECIDING - {"status", "visibility", "visible"}, reverse=True)))
_MENTION: Final = re.compile(
    rf"(?:^[ \t]*+|[{{,][ \t]*+)[\"']?({_MENTIONED})[\"']?[ \t]*+[:=]",
    re.MULTILINE | re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"\w[\w:.+-]*+(?: \w[\w:.+-]*+)?")
_LINE_COMMENT: Final = re.compile(r"(?:^|[ \t])#.*")
_BEFORE: Final = re.compile(r"(?:[ \t]*+\n)*+(?:<!--.*?-->[ \t]*+\n(?:[ \t]*+\n)*+)?", re.DOTALL)
_OPENING: Final = re.compile(r"(?:---[ \t]*+(?:ya?ml|toml|json)?|\+\+\+|;;;)[ \t]*+\n")
# What the lines of a front matter look like, where no fence tells its end.
_LINES: Final = re.compile(
    r"(?:[ \t]*+(?:#.*+)?\n|[ \t]++.*+\n|-[ \t].*+\n|[A-Za-z_][\w.-]*+[ \t]*+[:=].*+(?:\n|\Z))*+"
)
_OBJECT_END: Final = re.compile(r"^\}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """fields: keys in lower case, of the two upper levels (`build.render`), with their values as text."""

    fields: Mapping[str, str]
    body: str


def page(text: str) -> Page:
    """A text without front matter is all body. Blank lines or one comment may stand above the front matter."""
    found = _page(text)
    if found.fields or len(found.body) < len(text):
        return found
    before = _BEFORE.match(text)
    if before is not None and before.end():
        found = _page(text[before.end() :])
    # Below other lines a rule may be meant as a rule: only known keys make a front matter of what follows.
    return found if (_KNOWN | DECIDING) & found.fields.keys() else Page({}, text)


def _page(text: str) -> Page:
    if text.startswith("{"):
        return _json_page(text)
    for dialect, fence in _FENCES:
        match = fence.match(text)
        if match is not None:
            fields = _fields(dialect, match[1] or "")
            return Page({}, text) if fields is None else Page(fields, text[match.end() :])
    return _unclosed(text)


def _unclosed(text: str) -> Page:
    """Without a closing fence all is body, but what decides whether the page is public counts."""
    opening = _OPENING.match(text)
    if opening is None:
        return Page({}, text)
    lines = _LINES.match(text, opening.end(), opening.end() + MAX_PARSED_CHARACTERS)
    fields = _read_lines(lines[0]) if lines is not None else {}
    return Page({key: value for key, value in fields.items() if key in DECIDING}, text)


def _fields(dialect: str, source: str) -> dict[str, str] | None:
    """None: this is no front matter, as when prose stands between two rules."""
    if dialect == "yaml" and not source.strip():
        return {}
    if len(source) > MAX_PARSED_CHARACTERS:
        return _read_by_line(dialect, source)
    try:
        if dialect == "yaml":
            fields = _yaml_fields(source)
            return _first_key_unclear(source) if fields is None else fields
        return _flat(tomllib.loads(source, parse_float=str) if dialect == "toml" else _json_object(source))
    except (YAMLError, ValueError, RecursionError):
        return _read_by_line(dialect, source)


def _read_by_line(dialect: str, source: str) -> dict[str, str] | None:
    if dialect == "yaml" and _PROSE.match(source):
        return _first_key_unclear(source)
    return _read_lines(source)


def _first_key_unclear(source: str) -> dict[str, str] | None:
    """`"draft": true` above a broken line, or `draft:true`, is no prose."""
    source = source.lstrip()
    mention = _MENTION.search(source) if source.startswith("{") else _MENTION.match(source)
    return None if mention is None else {mention[1].lower(): UNCLEAR}


def _read_lines(source: str) -> dict[str, str]:
    fields = {key.lower(): _plain_value(value) for key, value in reversed(_LINE.findall(source))}
    for key, times in Counter(match[1].lower() for match in _MENTION.finditer(source)).items():
        value = fields.get(key)
        if value is None or times > 1 or (value and not _PLAIN.fullmatch(value)):
            fields[key] = UNCLEAR
    return fields


def _plain_value(value: str) -> str:
    return _LINE_COMMENT.sub("", value).strip().strip("\"'")


def _yaml_fields(source: str) -> dict[str, str] | None:
    """From the parser's events: nothing is resolved, converted or nested in Python's own stack."""
    fields: dict[str, str] = {}
    # The open collections: for a mapping the key that waits for its value, for a sequence False.
    stack: list[str | bool | None] = []
    for event in YAML(typ="safe", pure=True).parse(source):
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            if not stack and isinstance(event, SequenceStartEvent):
                return None
            if len(stack) >= MAX_DEPTH:
                raise ValueError(f"front matter is nested more than {MAX_DEPTH} levels deep")
            stack.append(None if isinstance(event, MappingStartEvent) else False)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            stack.pop()
            _value_ended(stack)
        elif isinstance(event, ScalarEvent | AliasEvent):
            if not stack:
                return None
            _scalar(fields, stack, event)
    if any(key.startswith("<<") for key in fields):
        # What a merge brings is not followed either.
        fields |= {name: UNCLEAR for key in fields if (name := key.rpartition(".")[2]) in DECIDING}
    return fields


def _scalar(fields: dict[str, str], stack: list[str | bool | None], event: ScalarEvent | AliasEvent) -> None:
    value: str | None = event.value if isinstance(event, ScalarEvent) else None
    if stack[-1] is None:
        stack[-1] = value or ""
        return
    if len(stack) <= 2 and all(isinstance(key, str) for key in stack):
        name = ".".join(str(key) for key in stack).lower()
        fields[name] = value if value is not None else UNCLEAR if name in DECIDING else ""
    _value_ended(stack)


def _value_ended(stack: list[str | bool | None]) -> None:
    """The mapping waits for its next key, or took a collection as a key."""
    if stack and stack[-1] is not False:
        stack[-1] = "" if stack[-1] is None else None


def _json_page(text: str) -> Page:
    try:
        found, end = _DECODER.raw_decode(text[:MAX_PARSED_CHARACTERS])
    except (ValueError, RecursionError):
        return Page(_unclear_in_object(text), text)
    fields = _flat(found)
    return Page(fields, text[end:]) if (_KNOWN | DECIDING) & fields.keys() else Page({}, text)


def _unclear_in_object(text: str) -> dict[str, str]:
    """Of a text that begins as an object and is none, such as one with a comma too many."""
    end = _OBJECT_END.search(text)
    mentions = _MENTION.finditer(text, 0, end.start() if end else MAX_PARSED_CHARACTERS)
    quoted = (match for match in mentions if match[0].rstrip(" \t:").endswith('"'))
    return {match[1].lower(): UNCLEAR for match in quoted}


_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def _json_object(source: str) -> dict[str, Any]:
    found = _DECODER.decode(source)
    return found if isinstance(found, dict) else {}


def _flat(found: Mapping[str, Any]) -> dict[str, str]:
    return dict(_flattened(found, ""))


def _flattened(found: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, value in found.items():
        if isinstance(value, dict) and not above:
            yield from _flattened(value, f"{key.lower()}.")
        elif isinstance(value, bool):
            yield f"{above}{key.lower()}", str(value).lower()
        elif isinstance(value, str | date) or (isinstance(value, int) and value.bit_length() <= 64):
            yield f"{above}{key.lower()}", str(value)
