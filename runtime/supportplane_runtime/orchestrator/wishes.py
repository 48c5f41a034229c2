"""Whether a message wishes for a person: a small grammar over the parts that a language's file names under ``wish``.

Called by the understand node. Pure, without a model. A clause, which ends at punctuation, is a wish when in it stand

    speaking, and a human                   How do I reach a human
    somebody of the company, at its begin   Maybe someone from support could look at it
    speaking, and at its end somebody       wnna speak to an agent (with a word or two before it)
    a wish, and a human                     get me a real person · Is there a human?
    a wish, speaking, and somebody          I'd like to talk to someone · Talk to an agent
    a wish, and at its end a person         I want a manager
    a wish that is whole in itself          Call me back · Open a ticket
    the same, and somebody                  Can a technician call me?
    whom to speak to                        Who can I call?
    a human, in a few words                 human assistance required
    nothing but a person                    agent please
    a refusal of machines, and speaking     I don't want to talk to a bot

unless the clause asks about persons (`do I have to talk to someone?`). What begins a clause is wished, as an imperative
is. Patterns only alternate and every loop has an end, so that a message costs time in proportion to its length.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice, pairwise
from typing import Final

from supportplane_runtime.languages import Script, Speech, Wish
from supportplane_runtime.orchestrator.phrases import any_of, plain

# Letters between the parts of a wish: four words of English, or as much in Han and kana. Guesses that held on the
# questions and wishes of ADR 0034.
NEAR: Final = 34
NEAR_IN: Final[Mapping[Script, int]] = {"Han": 12, "Kana": 14}
# A clause with more of one part than this is nothing that a customer writes.
MAX_PARTS: Final = 24
# Words of four letters have too many neighbours that are words: only exchanged letters are put right in them.
LEAST_LETTERS: Final = 4
# In words of so many letters two slips are put right. The beginning of a longer word (`konsultant*`) has at least as
# many letters as the other, or a slip makes it the beginning of too many words. Guesses that cost no question of
# ADR 0034.
TWO_SLIPS: Final = 9
LEAST_BEGINNING: Final = 6
# Letters between the two words for one person: someone from our technical support.
NEAR_EACH_OTHER: Final = 9
SILENT: Final = "h"
# A word of so many letters is told without its last one too: `manage` is no `manager`. A guess.
LONG_ENOUGH: Final = 7
# What may stand before `speak to an agent` for it to be a wish: `i wnna`, `je veu`.
MOST_BEFORE: Final = 2
# So few words that name a human are about little else. Measured as NEAR is.
SHORT_WORDS: Final = 4

# Where none of these is, there is no wish.
HINTS: Final = ("human", "person", "someone", "asks", "whom", "machine")

_SENTENCE: Final = re.compile(r"[.!?;:\n()…。！？；؟؛۔।]+|\s[-–—]\s")  # noqa: RUF001 - marks of many scripts
_COMMA: Final = re.compile(r"[,、，،]+")  # noqa: RUF001


Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wishes:
    """The parts of a wish in one language, as patterns on ``plain`` text, and what corrects misspelt words of them."""

    hints: re.Pattern[str]
    parts: Mapping[str, re.Pattern[str]]
    begins: re.Pattern[str]  # fits all that is polite at the beginning of a clause, nothing included
    only_polite: re.Pattern[str]
    only_somebody: re.Pattern[str]
    only_wanted: re.Pattern[str]
    only_refusal: re.Pattern[str]
    near: int
    known: frozenset[str]  # words that are spelt right
    misspelt: Mapping[str, frozenset[str]]  # words of the parts by themselves, and by themselves without one letter
    beginnings: Mapping[str, frozenset[str]]  # the same of what words of the parts begin with


def wishes(speech: Speech, words: Iterable[str]) -> Wishes:
    """words: those of the language that are no misspelt parts of a wish, such as its function words."""
    phrases = {part.name: getattr(speech.wish, part.name) for part in fields(Wish)}
    own = {word for each in phrases.values() for phrase in each if "*" not in phrase for word in plain(phrase).split()}
    open_ended = {phrase for each in phrases.values() for phrase in each if " " not in phrase and phrase.endswith("*")}
    beginnings = frozenset(plain(phrase.strip("!*")) for phrase in open_ended)
    polite, somebody = phrases["polite"], [*phrases["human"], *phrases["person"]]
    return Wishes(
        hints=re.compile(any_of({phrase.lstrip("!") for part in HINTS for phrase in phrases[part]})),
        parts={name: _part(each) for name, each in phrases.items()},
        begins=re.compile(rf"(?:(?>{any_of(polite)}) ?)*+"),
        only_polite=_nothing_but(polite),
        only_somebody=_nothing_but([*polite, *somebody]),
        only_wanted=_nothing_but([*polite, *somebody, *phrases["want"]]),
        only_refusal=_nothing_but([*polite, *phrases["refusal"], *phrases["machine"]]),
        near=NEAR_IN.get(speech.scripts[0], NEAR),
        known=frozenset(own | {plain(word) for word in words}),
        misspelt=_misspelt(own),
        beginnings=_misspelt(word for word in beginnings if len(word) >= LEAST_BEGINNING),
    )


def wishing_words(speech: Speech) -> frozenset[str]:
    """The words of its parts as written: they tell the language of a short wish."""
    wish = speech.wish
    phrases = [*wish.want, *wish.contact, *wish.polite, *wish.asks, *wish.human, *wish.person]
    return frozenset(word for phrase in phrases for word in phrase.strip("!$").split() if "*" not in word)


def wishes_for_a_person(message: str, known: Wishes) -> bool:
    """message: as the customer wrote it."""
    sentences = [_clauses(sentence, known) for sentence in _SENTENCE.split(message)]
    if not any(known.hints.search(text) for texts in sentences for text in texts):
        return False
    parted = [[_Clause(text, known, whole=len(texts) == 1) for text in texts] for texts in sentences]
    clauses = [clause for sentence in parted for clause in sentence]
    if any(_is_nothing_but_a_human(sentence, known) for sentence in parted):
        return True
    somebody = any(clause.human or clause.person for clause in clauses)
    if somebody and all(known.only_somebody.fullmatch(clause.text) for clause in clauses):
        return True
    return any(clause.wishes() or clause.refuses_machines(somebody=somebody) for clause in clauses)


def _is_nothing_but_a_human(sentence: Sequence["_Clause"], known: Wishes) -> bool:
    """A whole sentence: `a real, live person` at the end of one says less."""
    return any(clause.human for clause in sentence) and all(
        known.only_somebody.fullmatch(clause.text) for clause in sentence
    )


class _Clause:
    """A clause, and where in it stands which part of a wish."""

    def __init__(self, text: str, known: Wishes, *, whole: bool) -> None:
        """whole: the sentence has no other clause."""
        self.text = text
        self._known = known
        self._is_short = whole and text.count(" ") < SHORT_WORDS and len(text) <= 2 * known.near
        polite = known.begins.match(text)
        self._begin = polite.end() if polite else 0
        self.human = self._found("human")
        self.person = self._found("person")
        self._someone = self._found("someone")

    def wishes(self) -> bool:
        if self._near(self._found("whom"), self._found("contact")):
            return True
        return self._speaks_of_somebody() and not self._found("asks_about") and self._is_wished()

    def refuses_machines(self, *, somebody: bool) -> bool:
        """somebody: the message names a person, here or elsewhere."""
        machine = self._found("machine")
        if not machine or not self._near(machine, self._found("refusal")):
            return False
        if self._found("asks_about") or self._found("asks_how"):
            return False
        return bool(somebody or self._found("contact") or self._known.only_refusal.fullmatch(self.text))

    def _speaks_of_somebody(self) -> bool:
        return bool(self.human or self.person or self._someone or self._found("asks"))

    def _is_wished(self) -> bool:
        return self._names_a_human_to_speak_to() or (not self._found("asks_how") and self._wants_somebody())

    def _names_a_human_to_speak_to(self) -> bool:
        somebody = [*self.human, *self.person, *self._someone]
        return self._near(self._found("contact"), self.human) or self._near(somebody, self._found("asks"))

    def _wants_somebody(self) -> bool:
        want, asked = self._found("want"), self._found("asks")
        spoken = self._pairs(self._found("contact"), [*self.person, *self._someone])
        return (
            self._near(want, [*self.human, *asked, *spoken, *filter(self._ends, self.person)])
            or self._begins([*asked, *spoken])
            or (bool(asked) and bool(self._found("machine")))
            or (bool(self.human) and self._is_short)
            or self._ends_in(spoken)
            or self._begins_with_a_colleague()
            or (bool(want and self.person) and self._known.only_wanted.fullmatch(self.text) is not None)
        )

    def _begins_with_a_colleague(self) -> bool:
        """`Someone from support`: two words for one person, who is asked for."""
        some = sorted({*self._someone, *self.person, *self.human})
        return any(
            0 <= other[0] - one[1] <= NEAR_EACH_OTHER and self.text[self._begin : one[0]].count(" ") <= MOST_BEFORE + 1
            for one, other in pairwise(some)
        )

    def _ends_in(self, spoken: Iterable[Span]) -> bool:
        """A word or two, and then nothing but speaking to somebody: a wish, however its first word is written."""
        return any(
            self._ends(span) and self.text[self._begin : span[0]].count(" ") <= MOST_BEFORE
            for span in spoken
            if any(span[1] == one[1] for one in (*self.person, *self._someone))
        )

    def _found(self, part: str) -> list[Span]:
        found = islice(self._known.parts[part].finditer(self.text), MAX_PARTS)
        return [each.span() for each in found if each.lastgroup is None]

    def _begins(self, spans: Iterable[Span]) -> bool:
        return any(start <= self._begin for start, _ in spans)

    def _ends(self, span: Span) -> bool:
        rest = self.text[span[1] :].strip()
        return not rest or self._known.only_polite.fullmatch(rest) is not None

    def _near(self, some: Sequence[Span], others: Sequence[Span]) -> bool:
        return bool(self._pairs(some, others))

    def _pairs(self, some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
        """From the beginning of the one to the end of the other, for all that stand near each other."""
        return [
            (min(one[0], other[0]), max(one[1], other[1]))
            for one in some
            for other in others
            if max(one[0], other[0]) - min(one[1], other[1]) <= self._known.near
        ]


def _clauses(sentence: str, known: Wishes) -> list[str]:
    """At commas, but for those around a polite word: `connect me, please, with ...` is one."""
    found: list[str] = []
    goes_on = False
    for part in filter(None, map(plain, _COMMA.split(sentence))):
        text = _spelt_right(part, known)
        polite = known.only_polite.fullmatch(text) is not None
        if found and (goes_on or polite):
            found[-1] = f"{found[-1]} {text}"
        else:
            found.append(text)
        goes_on = polite
    return found


def _part(phrases: Iterable[str]) -> re.Pattern[str]:
    """A phrase with an exclamation mark before it is none, though shorter ones stand in it: `!in person`."""
    nots = [phrase.lstrip("!") for phrase in phrases if phrase.startswith("!")]
    pattern = any_of(phrase for phrase in phrases if not phrase.startswith("!"))
    return re.compile(f"(?P<none>{any_of(nots)})|{pattern}" if nots else pattern)


def _nothing_but(phrases: Iterable[str]) -> re.Pattern[str]:
    pattern = any_of(phrase for phrase in phrases if not phrase.startswith("!"))
    return re.compile(rf"(?:(?>{pattern}) ?)++")


def _misspelt(words: Iterable[str]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for word in words:
        if len(word) >= LEAST_LETTERS:
            for key in _keys(word):
                found[key].add(word)
    return {key: frozenset(each) for key, each in found.items()}


def _spelt_right(clause: str, known: Wishes) -> str:
    return " ".join(map(partial(_corrected, known=known), clause.split()))


def _corrected(word: str, known: Wishes) -> str:
    """The word of the parts that it is but for a slip, or the word itself."""
    if not LEAST_LETTERS - 1 <= len(word) <= MAX_PARTS or word in known.known:
        return word
    for key in _keys(word):
        for meant in known.misspelt.get(key, ()):
            if _is_slip(word, meant) or _are_two_slips(word, meant):
                return meant
    return _with_its_beginning(word, known.beginnings) if known.beginnings else word


def _with_its_beginning(word: str, beginnings: Mapping[str, frozenset[str]]) -> str:
    """`konsultatem` begins as `konsultant` does, but for a letter."""
    for length in range(LEAST_BEGINNING - 1, len(word) + 1):
        begin = word[:length]
        for key in (begin, *_without_one(begin)):
            for meant in beginnings.get(key, ()):
                if _is_slip(begin, meant):
                    return meant + word[length:]
    return word


def _is_slip(word: str, meant: str) -> bool:
    """Neighbouring letters exchanged; in longer words also one left out, one too many or another one.

    Never the first, which few mistype, unless nobody hears it, nor the last, which may be another form of another word.
    """
    if (word == meant[1:] and meant[0] == SILENT) or (word == meant[:-1] and len(word) >= LONG_ENOUGH):
        return True
    if word[0] != meant[0] or (word[-1] != meant[-1] and sorted(word) != sorted(meant)):
        return False
    if sorted(word) == sorted(meant):
        wrong = [place for place, pair in enumerate(zip(word, meant, strict=True)) if pair[0] != pair[1]]
        return len(wrong) == 2 and wrong[1] == wrong[0] + 1
    if len(meant) <= LEAST_LETTERS:
        return False
    if len(word) == len(meant):
        return sum(one != other for one, other in zip(word, meant, strict=True)) == 1
    return word in _without_one(meant) or meant in _without_one(word)


def _are_two_slips(word: str, meant: str) -> bool:
    """Two letters left out, too many or other ones, in a long word that begins and ends as it should."""
    if min(len(word), len(meant)) < TWO_SLIPS or word[0] != meant[0] or word[-1] != meant[-1]:
        return False
    return abs(len(word) - len(meant)) <= 1 and not _pairs_without_two(word).isdisjoint(_pairs_without_two(meant))


def _pairs_without_two(word: str) -> set[str]:
    return {shorter for one in _without_one(word) for shorter in (one, *_without_one(one))}


def _keys(word: str) -> Iterable[str]:
    """Of a long word those without two letters as well."""
    return (word, *_without_one(word), *(_pairs_without_two(word) if len(word) >= TWO_SLIPS else ()))


def _without_one(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place in range(len(word))]
