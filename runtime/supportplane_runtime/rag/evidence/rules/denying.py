"""What the passage denies and the sentence does not, or the other way round; pure."""

from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence import alignment
from supportplane_runtime.rag.evidence.alignment import Stretch
from supportplane_runtime.rag.evidence.marks import Mark, clauses, denied, hidden_denials, marks
from supportplane_runtime.rag.evidence.measures import quantities
from supportplane_runtime.rag.evidence.rules.case import MAYBE_MEANT, Case, content, denies, mostly
from supportplane_runtime.rag.evidence.rules.numbers import bound_of
from supportplane_runtime.rag.words.lexemes import sequence


def is_turned(case: Case) -> bool:
    """A clause denies what its stretch says, or says what its stretch denies, and no other word explains it."""
    if not case.is_same or case.written.denials is None or case.written.meaning is None:
        return False
    of_claim = alignment.best(content(case.claim, case), case.passage)
    for text in alignment.clauses(case.claim, case.written) or [case.claim]:
        words = content(text, case)
        is_denial = denies(text, case.written)
        if is_denial and _is_denied_somewhere(denied(text, case.written), case):
            continue
        near = MAYBE_MEANT if is_denial else alignment.NEAR_BEST
        found = alignment.best(words, case.passage, near=near)
        if found and all(_is_turned(text, words, each, case) for each in (*found, *of_claim)):
            return True
    return False


def _is_denied_somewhere(scope: frozenset[str], case: Case) -> bool:
    parts = (part for stretch in case.passage.stretches for part in clauses(stretch.text))
    return any(denies(part, case.written) and mostly(scope, frozenset(sequence(part, case.written))) for part in parts)


# A clause with so few words of a stretch is put in words of its own, so that its denials may be as well. A guess.
OWN_WORDS: Final = 0.5


def _is_turned(claim: str, words: frozenset[str], stretch: Stretch, case: Case) -> bool:
    language = case.written
    if len(words & stretch.words) < OWN_WORDS * len(words):
        return False
    if _are_other_bounds(claim, stretch.text, language) or marks(stretch.text, language)[Mark.ONLY]:
        return False
    hidden = hidden_denials(claim, language)
    if denies(claim, language):
        is_denied = any(denies(part, language) for part in clauses(stretch.text))
        return (
            not is_denied
            and hidden == hidden_denials(stretch.text, language)
            and mostly(denied(claim, language), stretch.words)
        )
    return any(
        denies(part, language) and hidden == hidden_denials(part, language) and mostly(denied(part, language), words)
        for part in clauses(stretch.text)
    )


def _are_other_bounds(claim: str, stretch: str, language: Language) -> bool:
    """`not under 18` and `at least 18` are the same."""
    ours, theirs = (
        {bound_of(text, each, language) for each in quantities(text, language)} - {None} for text in (claim, stretch)
    )
    return bool(ours and theirs) and ours != theirs
