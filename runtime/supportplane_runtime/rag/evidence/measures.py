"""A text to the quantities in it: numbers, ranges, times of day and units, however they are written; pure.

`ten seconds` is `10 s`, `4,000` is `4000`, `5 to 7` is `5-7`, `one week` is `7 days`, `8 in the evening` is `20:00`.
Called by rules/. Symbols of units stand here; words for them are each language's (languages/<code>.yaml).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from supportplane_runtime.languages import Language

# What a unit measures and how much of it. Units of one dimension are told apart, and turned into each other.
_DIMENSIONS: Final[Mapping[str, Mapping[str, Fraction | int]]] = {
    "time": {
        "microsecond": Fraction(1, 1_000_000), "millisecond": Fraction(1, 1000), "second": 1, "minute": 60,
        "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "quarter": 7_776_000, "year": 31_104_000,
    },
    "times": {"times": 1},
    "clock": {"am": 1, "pm": 1},
    "share": {"percent": 1},
    "dollars": {"usd": 1}, "euros": {"eur": 1}, "pounds": {"gbp": 1}, "yen": {"jpy": 1}, "cents": {"cent": 1},
    "data": {
        "bit": Fraction(1, 8), "byte": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "tb": 1000**4,
        "kib": 1024, "mib": 1024**2, "gib": 1024**3, "tib": 1024**4,
    },
    "length": {
        "millimetre": Fraction(1, 1000), "centimetre": Fraction(1, 100), "metre": 1, "kilometre": 1000,
        "inch": Fraction(254, 10_000), "foot": Fraction(3048, 10_000), "yard": Fraction(9144, 10_000),
        "mile": Fraction(1_609_344, 1000),
    },
    "weight": {
        "milligram": Fraction(1, 1000), "gram": 1, "kilogram": 1000, "ounce": Fraction(28_349_523, 1_000_000),
        "pound_weight": Fraction(45_359_237, 100_000), "tonne": 1_000_000,
    },
    "volume": {"millilitre": Fraction(1, 1000), "litre": 1, "gallon": Fraction(3_785_412, 1_000_000)},
    "celsius": {"celsius": 1}, "fahrenheit": {"fahrenheit": 1},
    "characters": {"character": 1}, "words": {"word": 1}, "lines": {"line": 1}, "pages": {"page": 1},
    "tokens": {"token": 1},
    "eastern": {"eastern": 1}, "pacific": {"pacific": 1}, "central": {"central": 1}, "mountain": {"mountain": 1},
    "utc": {"utc": 1}, "cet": {"cet": 1},
}  # fmt: skip
# Dimensions of which one is easily put for another.
_FAMILIES: Final = (
    {"time"}, {"data"}, {"length"}, {"weight"}, {"volume"}, {"clock"}, {"celsius", "fahrenheit"},
    {"share", "dollars", "euros", "pounds", "yen", "cents"},
    {"characters", "words", "lines", "pages", "tokens", "data"},
    {"eastern", "pacific", "central", "mountain", "utc", "cet"},
)  # fmt: skip
_OF_HUNDRED_CENTS: Final = ("dollars", "euros")
_SYMBOLS: Final[Mapping[str, str]] = {
    "ms": "millisecond", "s": "second", "sec": "second", "min": "minute", "h": "hour", "hrs": "hour", "hr": "hour",
    "am": "am", "a.m.": "am", "a.m": "am", "pm": "pm", "p.m.": "pm", "p.m": "pm", "%": "percent", "$": "usd",
    "€": "eur", "£": "gbp", "¥": "jpy", "usd": "usd", "eur": "eur", "gbp": "gbp", "kb": "kb", "mb": "mb", "gb": "gb",
    "tb": "tb",
    "kib": "kib", "mib": "mib", "gib": "gib", "tib": "tib", "mm": "millimetre", "cm": "centimetre", "m": "metre",
    "km": "kilometre", "ft": "foot", "mi": "mile", "mg": "milligram", "g": "gram", "kg": "kilogram",
    "oz": "ounce", "lb": "pound_weight", "lbs": "pound_weight", "ml": "millilitre", "l": "litre", "°c": "celsius",
    "°f": "fahrenheit", "x": "times", "\u00d7": "times",
}  # fmt: skip
# Symbols that mean their unit without a number before them too, as they are written.
ALONE: Final[Mapping[str, str]] = {
    "%": "percent", "$": "usd", "€": "eur", "£": "gbp", "KB": "kb", "MB": "mb", "GB": "gb", "TB": "tb", "KiB": "kib",
    "MiB": "mib", "GiB": "gib", "TiB": "tib", "EST": "eastern", "EDT": "eastern", "PST": "pacific", "PDT": "pacific",
    "CST": "central", "CDT": "central", "MST": "mountain", "MDT": "mountain", "UTC": "utc", "GMT": "utc", "CET": "cet",
    "CEST": "cet",
}  # fmt: skip

_OF_UNIT: Final = MappingProxyType(
    {unit: (dimension, Fraction(factor)) for dimension, known in _DIMENSIONS.items() for unit, factor in known.items()}
)
_DIGITS = r"(?:\d{1,3}(?: \d{3})+(?!\d)|\d+)(?:[.,\u00a0\u202f]\d+)*(?::\d\d)?"
_GROUPED = re.compile(r"\d{1,3}(?:[ .,\u00a0\u202f]\d{3})+")
# Between the two ends of a range: 5-7, 5 to 7, 5 bis 7, from 9:30 a.m. to 11.
_RANGE = re.compile(r"\s*(?:[-\u2013\u2014]|[^\W\d]{1,5})\s*\$?\s*")


@dataclass(frozen=True, slots=True)
class Quantity:
    """values: what the number may mean (1.500 is two numbers); empty for a unit alone. text[start:end] is the words."""

    values: frozenset[Fraction]
    unit: str | None
    start: int
    end: int

    @property
    def amounts(self) -> frozenset[tuple[str, Fraction]]:
        """In the base unit of the dimension; a unit alone is one of it: hourly is every 1 hour. Cents: of any money."""
        dimension, factor = _OF_UNIT[self.unit] if self.unit else ("", Fraction(1))
        values = self.values or frozenset({Fraction(1)})
        if dimension == "clock":
            return frozenset((dimension, value % 12 + (12 if self.unit == "pm" else 0)) for value in values)
        named = (dimension, *_OF_HUNDRED_CENTS) if dimension == "cents" else (dimension,)
        return frozenset(
            (name, value * factor / (1 if name == dimension else 100)) for value in values for name in named
        )


def family(unit: str) -> frozenset[str]:
    """The dimensions that a unit is easily mistaken within."""
    dimension = _OF_UNIT[unit][0]
    return frozenset(name for known in _FAMILIES if dimension in known for name in known)


@lru_cache(maxsize=2048)
def quantities(text: str, language: Language) -> tuple[Quantity, ...]:
    """Every number and unit of the text, in order; a range gives its unit to both of its ends."""
    found = sorted((*_numbers(text, language), *_alone(text, language)), key=lambda each: (each.start, -each.end))
    apart: list[Quantity] = []
    for each in found:
        if not apart or each.start >= apart[-1].end:
            apart.append(each)
    return tuple(_with_units_of_ranges(text, apart))


def in_plain_numbers(text: str, language: Language) -> str:
    """The text with each quantity as one number and the name of its unit: `8,000 characters` is `8000 character`."""
    parts, end = [], 0
    for each in quantities(text, language):
        number = f"{float(max(each.values)):g} " if each.values else ""
        parts += [text[end : each.start], number, each.unit or ""]
        end = each.end
    return "".join((*parts, text[end:]))


def ranges(text: str, found: tuple[Quantity, ...]) -> Iterator[tuple[Quantity, Quantity]]:
    """Neighbours that are the two ends of a range."""
    for first, second in pairwise(found):
        if first.values and second.values and _RANGE.fullmatch(text, first.end, second.start):
            yield first, second


def _with_units_of_ranges(text: str, found: list[Quantity]) -> Iterator[Quantity]:
    for each, following in zip(found, [*found[1:], None], strict=False):
        takes = following is not None and each.values and each.unit is None and following.unit and following.values
        if following is not None and takes and _RANGE.fullmatch(text, each.end, following.start):
            yield replace(each, unit=following.unit)
        else:
            yield each


def _numbers(text: str, language: Language) -> Iterator[Quantity]:
    for match in _number_pattern(language).finditer(text):
        values = readings(match["digits"]) if match["digits"] else _value(match["word"], language)
        if values:
            yield Quantity(values, _unit(match, language), match.start(), match.end())


def _value(word: str, language: Language) -> frozenset[Fraction]:
    """None for a letter that only looks like one of the word: `\u017fix` matches `six`."""
    value = _words(language).get(word.lower())
    return frozenset() if value is None else frozenset({Fraction(value)})


def readings(digits: str) -> frozenset[Fraction]:
    """What digits may mean: `4,000` is 4000 in one language and 4 in another; `9:30` is a time of day."""
    if ":" in digits:
        hours, minutes = digits.split(":")
        return frozenset({Fraction(re.sub(r"\D", "", hours)) + Fraction(int(minutes), 60)})
    plain = re.sub(r"[ ,\u00a0\u202f]", ".", digits)
    parts = plain.split(".")
    found = {Fraction("".join(parts))} if len(parts) == 1 or _GROUPED.fullmatch(digits) else set()
    if len(parts) == 2:
        found.add(Fraction(plain))
    return frozenset(found)  # none: 1.2.3 and 127.0.0.1 are names


def _unit(match: re.Match[str], language: Language) -> str | None:
    if match["currency"]:
        return _SYMBOLS[match["currency"]]
    text = match["unit"] or match["later"]
    if text is None:
        return None
    return _unit_words(language).get(text.lower()) or _SYMBOLS.get(text.lower())


def _alone(text: str, language: Language) -> Iterator[Quantity]:
    for match in _alone_pattern(language).finditer(text):
        unit = ALONE.get(match[0]) or _unit_words(language).get(match[0].lower())
        if unit is not None:
            yield Quantity(frozenset(), unit, match.start(), match.end())


@cache
def _unit_words(language: Language) -> Mapping[str, str]:
    known = language.meaning.units if language.meaning else {}
    return {word: unit for unit, words in known.items() for word in words}


@cache
def _words(language: Language) -> Mapping[str, int]:
    return language.meaning.numbers if language.meaning else {}


@cache
def _number_pattern(language: Language) -> re.Pattern[str]:
    words, symbols = _longest_first(_unit_words(language)), _longest_first([*_unit_words(language), *_SYMBOLS])
    numbers = _longest_first(_words(language))
    return re.compile(
        rf"(?<![\w.])(?P<currency>[$€£¥])?\s?(?:(?P<digits>{_DIGITS})|(?P<word>{numbers})(?!\w))"
        rf"(?:[\s-]?(?P<unit>{symbols})(?!\w)|(?(currency)(?!)|[\s-][a-z]{{4,}}\s(?P<later>{words})(?!\w)))?(?!\w|[.,]\d)",
        re.IGNORECASE,
    )


def _longest_first(words: Iterable[str]) -> str:
    """An alternative of a pattern for each word; one that never fits when there is none."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) or r"(?!)"


@cache
def _alone_pattern(language: Language) -> re.Pattern[str]:
    symbols = "|".join(re.escape(symbol) for symbol in ALONE)
    return re.compile(rf"(?<!\w)(?:{symbols}|(?i:{_longest_first(_unit_words(language))}))(?!\w)")
