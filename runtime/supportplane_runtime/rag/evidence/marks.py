"""Which words of a text make it say more, less or the opposite, by the lists of its language; pure.

A mark is a kind of such words: must, may, all, only, before. Called by rules/ and verify.py.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final

from supportplane_runtime.languages import Language, Meaning
from supportplane_runtime.rag.words.lexemes import sequence
from supportplane_runtime.rag.words.units import units

WORD = re.compile(r"[^\W\d_]+(?:['\u2019]t\b)?")


class Mark(StrEnum):
    """The names are those of ``languages.Meaning``."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"
    WILL = "will"
    EVERY = "every"
    ALWAYS = "always"
    USUALLY = "usually"
    OPTIONAL = "optional"
    INCLUDING = "including"
    SOME = "some"
    EVEN = "even"
    ONLY = "only"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BEFORE = "before"
    AFTER = "after"
    UNTIL = "until"
    SINCE = "since"
    FIRST = "first"
    THEN = "then"
    CONDITIONS = "conditions"
    EXCEPTIONS = "exceptions"


@lru_cache(maxsize=4096)
def marks(text: str, language: Language) -> Counter[Mark]:
    """How often each mark stands in the text; none in a language whose words are unknown."""
    found: Counter[Mark] = Counter()
    if language.meaning is not None:
        plain = phrases(language.meaning.idioms).sub(" ", flattened(text))
        unbound = phrases((*language.meaning.at_least, *language.meaning.at_most)).sub(" ", plain)
        for mark in Mark:
            where = plain if mark in {Mark.AT_LEAST, Mark.AT_MOST} else unbound  # `at most` is not `most`
            found[mark] = len(phrases(getattr(language.meaning, mark)).findall(where))
        found[Mark.MUST] -= len(_weakened(language.meaning.may, language.meaning.must).findall(plain))
    return found


@cache
def _weakened(may: tuple[str, ...], must: tuple[str, ...]) -> re.Pattern[str]:
    """`may only need` is no duty."""
    return re.compile(rf"{phrases(may).pattern}(?:\s\S+)?\s{phrases(must).pattern}")


def denials(text: str, language: Language) -> int:
    """How often the text denies or restricts: "only on Linux" is not "on Linux"."""
    return sum(is_denial(word, language) for word in WORD.findall(text.casefold()))


def denial_words(text: str, language: Language) -> Counter[str]:
    """Each by itself, since `none` is more than `not`; a contraction is `not`."""
    words = (word for word in WORD.findall(text.casefold()) if is_denial(word, language))
    return Counter("not" if word.endswith(("n't", "n\u2019t", "not")) else word for word in words)


def without_marks(text: str, language: Language) -> str:
    """Without the words that say how binding and how general the text is."""
    if language.meaning is None:
        return text
    meaning = language.meaning
    said = (*meaning.must, *meaning.should, *meaning.may, *meaning.will, *meaning.every, *meaning.some)
    return phrases(said).sub(" ", text)


def hidden_denials(text: str, language: Language) -> frozenset[str]:
    """The words that deny without saying so: banned, lacks, closed, unavailable."""
    known = language.meaning.hidden_denials if language.meaning else frozenset()
    return known.intersection(WORD.findall(text.casefold()))


def statement(text: str, language: Language) -> str:
    """The sentence without the yes or no that it begins with."""
    if language.meaning is None:
        return text
    match = _answer(language.meaning.answers).match(text)
    return text[match.end() :] if match else text


def opposites(claim: str, stretch: str, language: Language) -> bool:
    """Whether the claim has the opposite of a word of the stretch, and the stretch has not both."""
    if language.meaning is None:
        return False
    for sides in _sides(language):
        for said, other in (sides, sides[::-1]):
            if _has_only(claim, said, other, language) and _has_only(stretch, other, said, language):
                return True
    ours, theirs = flattened(claim), flattened(stretch)
    return _prefixed(ours, theirs, language.meaning) or _prefixed(theirs, ours, language.meaning)


@dataclass(frozen=True, slots=True)
class _Side:
    """Words by their stems, and phrases of several words as they stand."""

    stems: frozenset[str]
    longer: tuple[str, ...]


@cache
def _sides(language: Language) -> tuple[tuple[_Side, _Side], ...]:
    known = language.meaning.opposites if language.meaning else ()
    return tuple((_side(one, language), _side(other, language)) for one, other in known)


def _side(words: tuple[str, ...], language: Language) -> _Side:
    single = [word for word in words if len(stems(word, language)) == 1]
    longer = tuple(word for word in words if word not in single)
    return _Side(frozenset(stem for word in single for stem in stems(word, language)), longer)


def _has_only(text: str, one: _Side, other: _Side, language: Language) -> bool:
    return _has(text, one, language) and not _has(text, other, language)


def _has(text: str, side: _Side, language: Language) -> bool:
    if side.stems & stems(text, language):
        return True
    return bool(side.longer) and phrases(side.longer).search(flattened(text)) is not None


def _prefixed(ours: str, theirs: str, meaning: Meaning) -> bool:
    """Used for unused."""
    mine, known = set(WORD.findall(ours)), set(WORD.findall(theirs))
    denied = {prefix + word for word in mine for prefix in meaning.negating_prefixes if len(word) >= _LEAST_STEM}
    return any(word in known and word not in mine for word in denied - _in_both(denied, mine, known))


def _in_both(denied: set[str], mine: set[str], known: set[str]) -> set[str]:
    """Those whose plain word the other text has as well."""
    return {word for word in denied if any(word.endswith(plain) for plain in mine & known)}


_LEAST_STEM: Final = 4


def bound(text: str, language: Language) -> Mark | None:
    """AT_LEAST or AT_MOST, by the longest words for either: `no less than` is at least."""
    if language.meaning is None:
        return None
    least, most = language.meaning.at_least, language.meaning.at_most
    found = {match in least for match in phrases((*least, *most)).findall(flattened(text))}
    return None if len(found) != 1 else Mark.AT_LEAST if found.pop() else Mark.AT_MOST


def denied(text: str, language: Language) -> frozenset[str]:
    """The stems of what stands behind each denial in its clause: what is not, by its next few words."""
    found: set[str] = set()
    conditions = language.meaning.conditions if language.meaning else ()
    for clause in clauses(text):
        tokens = [word if word not in conditions else "." for word in WORD.findall(clause.casefold())]
        for place, word in enumerate(tokens):
            if is_denial(word, language):
                behind = " ".join(tokens[place + 1 :]).partition(".")[0]
                found.update(sequence(behind, language)[:_DENIED_WORDS])
    return frozenset(found)


def clauses(text: str) -> list[str]:
    return [clause for clause in _CLAUSE.split(text) if clause.strip()]


def is_denial(word: str, language: Language) -> bool:
    return word in (language.denials or ()) or word.endswith(("n't", "n\u2019t"))


_DENIED_WORDS: Final = 4


def opposed_nearby(claim: str, passage: str, language: Language) -> bool:
    """A word of the claim beside another one, where the passage has only its opposite beside that: reduces latency."""
    if language.meaning is None:
        return False
    ours = _neighbours(claim, language)
    theirs = _neighbours(_clauses_by(passage, language, denying=False), language)
    not_theirs = _neighbours(_clauses_by(passage, language, denying=True), language)
    for one, other in _sides(language):
        for said, against in ((one.stems, other.stems), (other.stems, one.stems)):
            held = _beside(theirs, said) | _beside(not_theirs, against)
            if said & ours.keys() and _have_both(passage, said, against, language):
                continue  # `a downgrade takes effect later, an upgrade at once` says the one of both
            if (_beside(ours, said) - said - against) & _beside(theirs, against) - held:
                return True
    return False


def _have_both(passage: str, one: frozenset[str], other: frozenset[str], language: Language) -> bool:
    said = [stems(unit.text, language) for unit in units(passage, language)]
    return any(one & each and other & each for each in said)


def _clauses_by(text: str, language: Language, *, denying: bool) -> str:
    return ". ".join(clause for clause in clauses(text) if bool(denials(clause, language)) is denying)


def _beside(neighbours: Mapping[str, frozenset[str]], words: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(neighbours.get(word, frozenset()) for word in words))


_CLAUSE = re.compile(r"[.,;:()|](?:\s|$)")


@lru_cache(maxsize=512)
def _neighbours(text: str, language: Language) -> Mapping[str, frozenset[str]]:
    """The stems beside each stem, at most two words away."""
    found: dict[str, set[str]] = {}
    content = set(sequence(text, language))
    for clause in clauses(text):
        words = sequence(clause, _without_function_words(language))
        for place, word in enumerate(words):
            near = words[max(0, place - 2) : place] + words[place + 1 : place + 3]
            found.setdefault(word, set()).update(stem for stem in near if stem in content)
    return {word: frozenset(near) for word, near in found.items()}


def every_of(text: str, language: Language) -> frozenset[str]:
    """Of what the text says all or each: the stem of the next word, "" where that is none. `Every hour` is a time."""
    if language.meaning is None:
        return frozenset()
    found = set()
    plain = phrases(language.meaning.idioms).sub(" ", flattened(text))
    times = {word for words in language.meaning.units.values() for word in words}
    for match in phrases(language.meaning.every).finditer(plain):
        following = WORD.search(plain, match.end())
        word = following[0] if following is not None and following.start() - match.end() <= 1 else ""
        if word not in times:
            found.add("".join(sequence(word, language)))
    return frozenset(found)


@lru_cache(maxsize=4096)
def stems(text: str, language: Language) -> frozenset[str]:
    """Of all words, function words as well."""
    return frozenset(all_stems(text, language))


def all_stems(text: str, language: Language) -> list[str]:
    """In their order."""
    return sequence(text, _without_function_words(language))


@cache
def phrases(words: Iterable[str]) -> re.Pattern[str]:
    known = "|".join(re.escape(flattened(word)) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{known})(?![\w'])")


@cache
def _answer(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(
        rf"\s*(?:{'|'.join(re.escape(word) for word in words)})\s*[,:.;!\u2013\u2014-]+\s+", re.IGNORECASE
    )


def flattened(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").casefold().split())


@cache
def _without_function_words(language: Language) -> Language:
    return replace(language, function_words=frozenset())
