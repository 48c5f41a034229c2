"""What the passage denies and the sentence does not, or the other way round; pure."""

from itertools import pairwise
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence import alignment
from supportplane_runtime.rag.evidence.alignment import Stretch
from supportplane_runtime.rag.evidence.marks import (
    Mark,
    clauses,
    denied,
    flattened,
    hidden_denials,
    marks,
    opposites,
    phrases,
)
from supportplane_runtime.rag.evidence.measures import quantities
from supportplane_runtime.rag.evidence.rules.case import MAYBE_MEANT, Case, cognates, content, denies, mostly
from supportplane_runtime.rag.evidence.rules.numbers import bound_of
from supportplane_runtime.rag.words.lexemes import sequence


def is_turned(case: Case) -> bool:
    """A clause denies what its stretch says, or says what its stretch denies, and no other word explains it."""
    if case.written.denials is None or case.written.meaning is None:
        return False
    if not case.is_same:
        return _is_turned_in_translation(case)
    of_claim = alignment.best(content(case.claim, case), case.passage)
    for text in alignment.clauses(case.claim, case.written) or [case.claim]:
        if _is_condition(text, case.written):
            continue
        words = content(text, case)
        is_denial = denies(text, case.written)
        if not is_denial and _is_denied_in_short(words, case):
            return True
        if is_denial and _is_denied_somewhere(denied(text, case.written), case):
            continue
        near = MAYBE_MEANT if is_denial else alignment.NEAR_BEST
        found = alignment.best(words, case.passage, near=near)
        if found and all(_is_turned(text, words, each, case) for each in (*found, *of_claim)):
            return True
    return False


def _is_condition(text: str, language: Language) -> bool:
    """What a sentence only supposes it does not say: `if the door does not open`."""
    conditions = language.meaning.conditions if language.meaning else ()
    return phrases(conditions).match(flattened(text)) is not None


def _is_turned_in_translation(case: Case) -> bool:
    """A clause in another language whose words, by how they begin, are those of one statement: which denies, it not."""
    if case.spoken.denials is None or case.spoken.meaning is None:
        return False
    for text in alignment.clauses(case.claim, case.spoken) or [case.claim]:
        shared = {part: len(cognates(text, part)) for part in _statements(case)}
        most = max(shared.values(), default=0)
        found = [part for part, count in shared.items() if count == most]
        if most >= LEAST_COGNATES and len(found) == 1 and _is_other_polarity(text, found[0], case):
            return True
    return False


# So many words of a translation that begin as words of a statement tell that it is the one. A guess.
LEAST_COGNATES: Final = 3


def _statements(case: Case) -> list[str]:
    return [part for stretch in case.passage.stretches for part in clauses(stretch.text)]


def _is_other_polarity(claim: str, stretch: str, case: Case) -> bool:
    sides = ((claim, case.spoken), (stretch, case.written))
    if any(hidden_denials(text, of) or marks(text, of)[Mark.ONLY] for text, of in sides):
        return False
    return denies(claim, case.spoken) != denies(stretch, case.written)


def _is_denied_somewhere(scope: frozenset[str], case: Case) -> bool:
    parts = (part for stretch in case.passage.stretches for part in clauses(stretch.text))
    return any(denies(part, case.written) and mostly(scope, frozenset(sequence(part, case.written))) for part in parts)


# A clause with so few words of a stretch is put in words of its own, so that its denials may be as well. A guess.
OWN_WORDS: Final = 0.5


def _is_turned(claim: str, words: frozenset[str], stretch: Stretch, case: Case) -> bool:
    language = case.written
    known = words & (stretch.words | stretch.subject)
    if len(known) < OWN_WORDS * len(words) or _says_it_otherwise(claim, stretch.text, language):
        return False
    parts = [part for part in clauses(stretch.text) if content(part, case) & words]
    restricted = [part for part in parts if marks(part, language)[Mark.ONLY]]
    hidden = hidden_denials(claim, language)
    if denies(claim, language):
        if restricted:
            return False
        is_denied = any(denies(part, language) for part in parts)
        return (
            not is_denied
            and hidden == hidden_denials(". ".join(parts), language)
            and mostly(denied(claim, language), stretch.words)
        )
    return any(
        denies(part, language) and hidden == hidden_denials(part, language) and mostly(denied(part, language), words)
        for part in parts
        if part not in restricted
    )


def _is_denied_in_short(words: frozenset[str], case: Case) -> bool:
    """`You collect the money. The court does not do it`: of the court it denies what stands before it."""
    parts = [part for stretch in case.passage.stretches for part in clauses(stretch.text)]
    return any(
        denies(part, case.written)
        and not denied(part, case.written)
        and not denies(before, case.written)
        and bool(content(part, case) - content(before, case))
        and content(part, case) <= words
        and mostly(content(before, case), words)
        for before, part in pairwise(parts)
    )


def _says_it_otherwise(claim: str, stretch: str, language: Language) -> bool:
    """By other bounds, by the opposite of a word, or by the end of the time: no longer after a week."""
    times = [quantities(text, language) for text in (claim, stretch)]
    if marks(claim, language)[Mark.AFTER] and any(
        one.amounts & other.amounts for one in times[0] for other in times[1]
    ):
        return True
    is_denied = denies(claim, language) != denies(stretch, language)
    return _are_other_bounds(claim, stretch, language) or (is_denied and opposites(claim, stretch, language))


def _are_other_bounds(claim: str, stretch: str, language: Language) -> bool:
    """`not under 18` and `at least 18` are the same."""
    ours, theirs = (
        {bound_of(text, each, language) for each in quantities(text, language)} - {None} for text in (claim, stretch)
    )
    return bool(ours and theirs) and ours != theirs
