"""What is known about a language, each in a file of its own: <code>.yaml beside this module, explained in en.yaml.

Called by rag (words, sentences, denials) and by the orchestrator (phrases and replies). A file is read once, when its
language is first asked for. A language without a file is an empty one: no word is left out, none is stemmed, and since
its denials are unknown only a quotation proves anything. Why: ADR 0027.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

# Its abbreviations and leaning words hold where a language names none: documents of any language hold English ones.
ENGLISH: Final = "en"

# Which reply a mixed message gets: `hello, who are you?` is about who, `hi, thanks, bye` a thank-you.
SMALL_TALK: Final = ("identity", "ability", "thanks", "wellbeing", "farewell", "greeting")
STEPS: Final = ("understand", "retrieve", "answer", "verify", "handoff")
REPLIES: Final = (
    *SMALL_TALK,
    "ask_back",
    "handed_off_customer_request",
    "handed_off_missing_knowledge",
    "handed_off_low_confidence",
    "handed_off_handoff_only",
    "already_with_person",  # a vague word after a handover
    "did_not_help",  # asks back when an answer did not help
    "part_unanswered",  # stands before the part of a question that the documents do not answer
    "declined_out_of_scope",
    "declined_missing_knowledge",
    "declined_low_confidence",
    "declined_person",
)


Script = Literal["Latin", "Cyrillic", "Arabic", "Devanagari", "Bengali", "Thai", "Hangul", "Kana", "Han"]


class BrokenLanguage(ValueError):
    """A language's file that cannot be used. The message names the file, the key and what is wrong with it."""


def _split(words: object) -> object:
    """In a file words are one text: a list of 300 takes ten times as long to read."""
    return words.split() if isinstance(words, str) else words


def _each_of(keys: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    def complete(found: Mapping[str, Any]) -> Mapping[str, Any]:
        lacks, unknown = [key for key in keys if key not in found], [key for key in found if key not in keys]
        if lacks or unknown:
            raise ValueError("; ".join([*(f"lacks {key}" for key in lacks), *(f"unknown: {key}" for key in unknown)]))
        return found

    return complete


_STRICT: Final = ConfigDict(extra="forbid")
_Line = Annotated[str, Field(min_length=1, pattern=r"\S")]
_Words = Annotated[frozenset[_Line], BeforeValidator(_split), Field(min_length=1)]
_Phrases = Annotated[tuple[_Line, ...], Field(min_length=1)]


def _by_comma(words: object) -> object:
    """A phrase may hold spaces, so a text of phrases has commas between them."""
    return tuple(word.strip() for word in words.split(",")) if isinstance(words, str) else words


def _pairs(lines: object) -> object:
    """A line is two opposites with a slash between them, each some phrases: `up, upward / down`."""
    if not isinstance(lines, str):
        return lines
    return tuple(tuple(_by_comma(side) for side in line.split("/")) for line in lines.splitlines())


def _values(words: object) -> object:
    """`two 2, three 3` is a mapping."""
    return dict(pair.split() for pair in words.split(",")) if isinstance(words, str) else words


_Listed = Annotated[tuple[_Line, ...], BeforeValidator(_by_comma), Field(min_length=1)]
_Opposites = Annotated[tuple[tuple[_Listed, _Listed], ...], BeforeValidator(_pairs), Field(min_length=1)]
_Numbers = Annotated[Mapping[_Line, int], BeforeValidator(_values)]


@dataclass(frozen=True, slots=True)
class Leaning:
    """What marks a message that may lean on the one before: as its first words, anywhere in it, or last in a clause.

    maybe: leaves it in doubt. idioms: in which such a word points at nothing. articles: such words that are articles
    before a noun, in a language whose nouns have capital letters.
    """

    __pydantic_config__ = _STRICT

    first: _Phrases
    anywhere: _Phrases
    last: tuple[_Line, ...] = ()
    maybe: tuple[_Line, ...] = ()
    idioms: tuple[_Line, ...] = ()
    articles: tuple[_Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Remarks:
    """Words of messages about the conversation, not the product.

    rejecting: that say by themselves that an answer did not help. waiting: that ask after a person's answer. about:
    others, which say so beside a denial.
    """

    __pydantic_config__ = _STRICT

    rejecting: _Words
    waiting: _Words
    about: _Words


@dataclass(frozen=True, slots=True)
class Wish:
    """Of what a wish for a person is made; en.yaml explains each, orchestrator/wishes.py puts them together."""

    __pydantic_config__ = _STRICT

    human: _Phrases
    person: _Phrases
    someone: _Phrases
    contact: _Phrases
    want: _Phrases
    machine: _Phrases
    refusal: _Phrases
    asks: _Phrases
    whom: _Phrases
    polite: _Phrases
    asks_how: _Phrases
    asks_about: _Phrases


@dataclass(frozen=True, slots=True)
class Speech:
    """What an agent recognises in messages of a language and says in it."""

    __pydantic_config__ = _STRICT

    name: _Line  # of the language, in the language itself
    markers: _Words  # that tell it from others, besides function words
    small_talk: Annotated[Mapping[str, _Phrases], AfterValidator(_each_of(SMALL_TALK))]
    fillers: _Phrases  # around small talk
    wish: Wish  # for a person
    vague: _Words  # that say there is a problem without saying which one
    leaning: Leaning
    progress: Annotated[Mapping[str, _Line], AfterValidator(_each_of(STEPS))]
    replies: Annotated[Mapping[str, _Line], AfterValidator(_each_of(REPLIES))]
    scripts: tuple[Script, ...] = ("Latin",)  # the first is its own, in the others it may be written as well
    letters: str = ""  # that tell it from other languages of its script
    remarks: Remarks | None = None  # without them only denials and vague words are known for remarks


@dataclass(frozen=True, slots=True)
class Opposite:
    """What a document says, and what it must never prove: the same without the denial. The tests hold them together."""

    __pydantic_config__ = _STRICT

    says: _Line
    never: _Line


@dataclass(frozen=True, slots=True)
class Meaning:
    """Words that make a sentence say more, less or the opposite, so that none may stand in for another.

    Each is nearly complete, or the language has no ``meaning`` at all: a word that is missing fails open.
    """

    __pydantic_config__ = _STRICT

    answers: _Listed  # before the sentence that answers: yes, no
    light: _Words  # that say little themselves: get, make
    idioms: _Listed  # that hold words of other lists and mean something else: above all
    must: _Listed
    should: _Listed
    may: _Listed
    will: _Listed
    every: _Listed
    always: _Listed
    usually: _Listed
    optional: _Listed
    some: _Listed
    including: _Listed
    even: _Listed  # that drop a condition: whether or not, regardless
    only: _Listed
    at_least: _Listed
    at_most: _Listed
    before: _Listed
    after: _Listed
    until: _Listed
    since: _Listed
    first: _Listed
    then: _Listed
    sources: _Listed
    targets: _Listed
    conditions: _Listed  # if, when, unless
    exceptions: _Listed
    hidden_denials: _Words  # that deny without a word of ``denials``: ban, lack, refuse
    opposites: _Opposites
    negating_prefixes: _Words
    numbers: _Numbers
    units: Mapping[_Line, _Listed]  # a name of rag/evidence/measures.py: the words for it


@dataclass(frozen=True, slots=True)
class Language:
    """A language; ``denials`` of None are unknown, which is not the same as none. speech: None where it has none.

    What ``language`` returns always has abbreviations and leaning words: those of English where its file names none.
    """

    __pydantic_config__ = _STRICT

    code: str
    stemmer: _Line | None = None
    function_words: _Words = frozenset()
    denials: _Words | None = None
    denials_agree: bool = False  # so that several of one clause are one: ne ... pas
    opposites: tuple[Opposite, ...] = ()
    abbreviations: _Words = frozenset()
    leaning_words: _Words = frozenset()
    pointing_words: _Words = frozenset()
    announcing_words: _Words = frozenset()
    asking_words: _Words = frozenset()
    joining_words: _Words = frozenset()
    comparing_words: _Words = frozenset()
    nouns_are_capital: bool = False  # so that a capital letter tells no name
    compounds: bool = False  # words are written together, so that search looks at both ends of a word
    meaning: Meaning | None = None
    speech: Speech | None = None

    def __post_init__(self) -> None:
        if (self.denials is None) != (not self.opposites):
            raise ValueError("denials and opposites: each needs the other, so that every list of denials is tried")

    def __hash__(self) -> int:
        return hash(self.code)


def language(code: str) -> Language:
    """The language of a BCP 47 tag, whose first part counts: `pt-BR` is `pt`."""
    return _of_code(code.partition("-")[0].lower())


@cache
def codes() -> tuple[str, ...]:
    """Of the languages that have a file."""
    names = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def _of_code(code: str) -> Language:
    known = parse(code, resources.files(__name__) / f"{code}.yaml") if code in codes() else Language(code)
    if code == ENGLISH:
        return known
    return replace(
        known,
        abbreviations=known.abbreviations or _of_code(ENGLISH).abbreviations,
        leaning_words=known.leaning_words or _of_code(ENGLISH).leaning_words,
    )


def parse(code: str, file: Traversable) -> Language:
    """The language that a file describes. Raises BrokenLanguage."""
    try:
        read = YAML(typ="safe", pure=True).load(file.read_text("utf-8"))
    except YAMLError as error:
        raise BrokenLanguage(f"{file.name} is no YAML: {error}") from error
    if not isinstance(read, dict):
        raise BrokenLanguage(f"{file.name} must hold keys with values")
    if read.keys() == {"like"}:
        if read["like"] == code or read["like"] not in codes():
            raise BrokenLanguage(f"{file.name}: like: must be another language that has a file, not {read['like']}")
        return replace(language(read["like"]), code=code)
    try:
        return _adapter().validate_python({**read, "code": code})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        said = ": ".join(part for part in (file.name, place, first["msg"]) if part)
        raise BrokenLanguage(said) from error


@cache
def _adapter() -> TypeAdapter[Language]:
    return TypeAdapter(Language)
