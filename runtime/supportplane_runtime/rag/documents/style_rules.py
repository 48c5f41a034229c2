"""The rules of a page's own style sheets that hide elements, and which elements they hide; pure.

Each compound of a selector is a step. An element is compared with the steps of its own name, classes, id and attributes
only, and what stands around it is known as the bits of the steps that matched there: no step walks up the tree. What
cannot be evaluated is left out of a selector, so that it hides more: pseudo-classes, and the sibling before `+` or `~`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

# Of a style sheet this much is looked at; a page seldom holds more than 50 KB of its own.
_MAX_CSS_CHARACTERS: Final = 200_000
# A guess, so that an element is compared with few steps: of more selectors with the same name the later do not count.
_MAX_STEPS_OF_A_KEY: Final = 30
_MAX_STEPS: Final = 2_000
_MAX_CLASSES: Final = 20
_CSS_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_IMPORTANT: Final = re.compile(r"!\s*important\s*$")
_IDENTIFIER: Final = r"(?:[\w-]|\\[^\n])++"
# Bounded, so that a style sheet of opening brackets is looked through once.
_QUOTED: Final = r"\"[^\"]{0,200}+\"|'[^']{0,200}+'"
_ARGUMENT: Final = r"\((?:[^()]|\([^()]{0,100}+\)){0,200}+\)"
_SELECTOR: Final = re.compile(
    rf"(?:[^,(\[\"'\\]|\\.|{_ARGUMENT}|\[(?:[^\]\"']|{_QUOTED}){{0,200}}+\]|{_QUOTED})++", re.DOTALL
)
_TOKEN: Final = re.compile(
    rf"(?P<combinator>\s*+[>+~]\s*+|\s++)|(?P<mark>[.#]?)(?P<word>{_IDENTIFIER})|(?P<any>\*)"
    rf"|\[\s*+(?P<name>{_IDENTIFIER})\s*+(?:(?P<operator>[~|^$*]?=)\s*+(?P<value>{_QUOTED}|{_IDENTIFIER})\s*+[iIsS]?\s*+)?\]"
    rf"|(?P<pseudo>::?{_IDENTIFIER})(?:{_ARGUMENT})?"
)
# Rules with these hide what is no text of the page, or hide only while a visitor does something.
_NO_TEXT: Final = frozenset(
    {":empty", ":hover", ":active", ":target", ":visited", ":before", ":after", ":first-line", ":first-letter"}
)
_ALWAYS: Final = re.compile(
    r"@layer\b|@media\s*+(?:\Z|(?:.*,)?\s*(?:only\s+)?(?:screen|all)\s*(?:,|\Z))", re.IGNORECASE
)


class Matched(NamedTuple):
    """Bits of the steps that an element matched, and that it or anything around it matched."""

    own: int = 0
    inside: int = 0


@dataclass(slots=True)
class _Compound:
    name: str = ""
    marks: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)

    def key(self) -> str:
        if self.marks:
            return self.marks[-1]
        return f"[{self.attributes[0][0]}" if self.attributes else self.name

    def matches(self, name: str, marks: frozenset[str], attributes: Mapping[str, str]) -> bool:
        if self.name not in ("", name) or not marks.issuperset(self.marks):
            return False
        return all(_has(attributes, *wanted) for wanted in self.attributes)


@dataclass(slots=True)
class _Step:
    """after: the bit of the step that must have matched around the element, or right above it; 0: none must."""

    compound: _Compound
    after: int
    is_child: bool
    bit: int
    hides: bool = False


class HidingRules:
    def __init__(self, css: str) -> None:
        self._steps: dict[str, list[_Step]] = {}
        self._by_prefix: dict[str, _Step | None] = {}
        # Attributes that selectors name.
        self.attributes: frozenset[str] = frozenset()
        for selector, hidden in _verdicts(css).items():
            if hidden:
                self._add(selector)

    def __bool__(self) -> bool:
        return bool(self._steps)

    def matched(self, name: str, attributes: Mapping[str, str], above: Matched | None) -> tuple[Matched, bool]:
        """The bits of the element and whether a rule hides it. above None: what stands around it is not known."""
        classes = attributes.get("class", "").split()[:_MAX_CLASSES]
        marks = frozenset([*(f".{each}" for each in classes), f"#{attributes.get('id', '').strip()}"])
        own, hides = 0, False
        for key in ("", name, *marks, *(f"[{each}" for each in attributes)):
            for step in self._steps.get(key, ()):
                around = None if above is None else above.own if step.is_child else above.inside
                if (around is None or not step.after or around & step.after) and step.compound.matches(
                    name, marks, attributes
                ):
                    own |= step.bit
                    hides = hides or step.hides
        return Matched(own, own | (above.inside if above is not None else 0)), hides

    def _add(self, selector: str) -> None:
        compounds = _compounds(selector)
        if compounds is None or not compounds[-1][0].key() or compounds[-1][0].name in ("html", "body"):
            # A page that hides its body shows it again by script.
            return
        step: _Step | None = None
        prefix = ""
        for compound, combinator in compounds:
            prefix = f"{prefix}{combinator}{compound!r}"
            if prefix not in self._by_prefix:
                self._by_prefix[prefix] = self._new_step(compound, combinator, step)
            step = self._by_prefix[prefix]
            if step is None:
                return
        assert step is not None  # noqa: S101 -- there is a compound
        step.hides = True

    def _new_step(self, compound: _Compound, combinator: str, before: _Step | None) -> _Step | None:
        steps = self._steps.setdefault(compound.key(), [])
        if len(steps) >= _MAX_STEPS_OF_A_KEY or len(self._by_prefix) >= _MAX_STEPS:
            return None
        after = before.bit if before is not None else 0
        step = _Step(compound, after, combinator == ">", 1 << len(self._by_prefix))
        steps.append(step)
        self.attributes |= {wanted[0] for wanted in compound.attributes}
        return step


def _has(attributes: Mapping[str, str], name: str, operator: str, wanted: str) -> bool:
    value = attributes.get(name)
    return value is not None and (not operator or _OPERATORS[operator](value, wanted))


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": lambda value, wanted: value == wanted,
    "~=": lambda value, wanted: wanted in value.split(),
    "|=": lambda value, wanted: value == wanted or value.startswith(f"{wanted}-"),
    "^=": lambda value, wanted: bool(wanted) and value.startswith(wanted),
    "$=": lambda value, wanted: bool(wanted) and value.endswith(wanted),
    "*=": lambda value, wanted: bool(wanted) and wanted in value,
}


def _compounds(selector: str) -> list[tuple[_Compound, str]] | None:
    """Each with the combinator before it; None for a selector that hides no text or that cannot be parsed."""
    found = [(_Compound(), "")]
    position = 0
    while position < len(selector):
        token = _TOKEN.match(selector, position)
        if token is None or not token[0] or not _taken(token, found):
            return None
        position = token.end()
    return found


def _taken(token: re.Match[str], found: list[tuple[_Compound, str]]) -> bool:
    compound = found[-1][0]
    if token["combinator"]:
        sign = token["combinator"].strip()
        if sign in ("+", "~"):
            found[-1] = (_Compound(), found[-1][1])
        else:
            found.append((_Compound(), sign or " "))
    elif token["word"]:
        word = unescaped(token["word"])
        if token["mark"]:
            compound.marks.append(token["mark"] + word)
        else:
            compound.name = word.lower()
    elif token["name"]:
        value = unescaped((token["value"] or "").strip("\"'"))
        compound.attributes.append((token["name"].lower(), token["operator"] or "", value))
    elif token["pseudo"]:
        pseudo = token["pseudo"].lower()
        return not pseudo.startswith(("::", ":focus")) and pseudo not in _NO_TEXT
    return True


def unescaped(css: str) -> str:
    return _CSS_ESCAPE.sub(_character, css) if "\\" in css else css


def _character(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0xD800 else ""


def hides(declarations: str) -> bool | None:
    """Whether a style keeps its element from being seen; None when it says nothing about that."""
    hidden: bool | None = None
    for declaration in unescaped(_CSS_COMMENT.sub(" ", declarations)).split(";"):
        key, _, value = declaration.partition(":")
        value = _IMPORTANT.sub("", value.strip().lower()).strip()
        match key.strip().lower():
            case "display":
                hidden = value == "none" or bool(hidden)
            case "visibility" | "content-visibility":
                hidden = value in ("hidden", "collapse") or bool(hidden)
    return hidden


def _verdicts(css: str) -> dict[str, bool]:
    """Selector -> whether its elements are hidden, where a rule says so; the last rule of a selector wins."""
    found: dict[str, bool] = {}
    for selectors, declarations in _rules(_CSS_COMMENT.sub(" ", css[:_MAX_CSS_CHARACTERS])):
        hidden = hides(declarations)
        if hidden is not None:
            found |= {each.strip(): hidden for each in _SELECTOR.findall(selectors) if each.strip()}
    return found


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of every rule that counts on every screen."""
    # The open blocks: what stands before each, where it begins, and whether rules in it count.
    blocks: list[tuple[str, int, bool]] = []
    start = 0
    for match in re.finditer(r"[{};]", css):
        counts = not blocks or blocks[-1][2]
        if match[0] == "{":
            before = css[start : match.start()].strip()
            blocks.append((before, match.end(), counts and _ALWAYS.match(before) is not None))
        elif match[0] == "}" and blocks:
            before, begin, _ = blocks.pop()
            if (not blocks or blocks[-1][2]) and not before.startswith("@"):
                yield before, css[begin : match.start()]
        start = match.end()


NO_RULES: Final = HidingRules("")
