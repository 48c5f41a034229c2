"""A sentence that the passage hardly speaks of; pure."""

from typing import Final

from supportplane_runtime.rag.evidence.rules.case import Case
from supportplane_runtime.rag.words.lexemes import sequence

# The share of its words that a sentence has from its passage, at least: of 190 true English ones (2026-11) the
# freest has 0.43.
LEAST_SHARED: Final = 0.3


def is_outside(case: Case) -> bool:
    """Hardly a word of it stands in the passage. Words of two languages do not compare."""
    if not case.is_same:
        return False
    words = set(sequence(case.claim, case.written))
    return len(words.intersection(sequence(case.passage.text, case.written))) < LEAST_SHARED * len(words)
