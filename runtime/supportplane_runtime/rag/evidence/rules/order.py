"""What the sentence says comes first and what then, against the passage; pure."""

from statistics import median

from supportplane_runtime.rag.evidence import alignment
from supportplane_runtime.rag.evidence.alignment import Stretch
from supportplane_runtime.rag.evidence.marks import Mark, all_stems, denials, events, marks, stems
from supportplane_runtime.rag.evidence.rules.case import Case, content


def has_other_order(case: Case) -> bool:
    """What comes first in the claim comes then in the passage: by its words of order, or by its numbered steps."""
    return any(
        _is_crossed(content(first, case), content(second, case), case)
        or _is_reversed(content(first, case), content(second, case), case)
        or _stands_behind(first, second, case)
        for first, second in events(case.claim, case.spoken)
    )


def _is_crossed(first: frozenset[str], second: frozenset[str], case: Case) -> bool:
    for stretch in alignment.best(first | second, case.passage):
        pairs = [(content(one, case), content(two, case)) for one, two in events(stretch.text, case.written)]
        if pairs:
            return all(_is_pair_crossed(first, second, one, two, case) for one, two in pairs)
    return False


def _is_pair_crossed(
    first: frozenset[str], second: frozenset[str], one: frozenset[str], two: frozenset[str], case: Case
) -> bool:
    straight = _shared(first, one, case) + _shared(second, two, case)
    crossed = _shared(first, two, case), _shared(second, one, case)
    return min(crossed) > 0 and sum(crossed) > straight


def _shared(one: frozenset[str], other: frozenset[str], case: Case) -> float:
    return case.passage.weight(one & other)


def _is_reversed(first: frozenset[str], second: frozenset[str], case: Case) -> bool:
    """The passage's steps, numbered or with a word for then, have the two the other way round."""
    one, two = _step(first - second, case), _step(second - first, case)
    if one is None or two is None or one.position <= two.position:
        return False
    return (one.is_numbered and two.is_numbered) or marks(one.text, case.written)[Mark.THEN] > 0


def _stands_behind(first: str, second: str, case: Case) -> bool:
    """Of two things said in one sentence without a word of order, the first one of the claim comes second."""
    one, two = _step(content(first, case), case), _step(content(second, case), case)
    if one is None or one != two or denials(one.text, case.written) or any(events(one.text, case.written)):
        return False
    ours, theirs = stems(first, case.written), stems(second, case.written)
    words = all_stems(one.text, case.written)
    ones = [place for place, word in enumerate(words) if word in ours - theirs]
    twos = [place for place, word in enumerate(words) if word in theirs - ours]
    return len(ones) > 0 and len(twos) > 0 and median(ones) > max(twos)


def _step(words: frozenset[str], case: Case) -> Stretch | None:
    """The stretch that most of the words are from, the first of those as good."""
    found = alignment.best(words, case.passage)
    return found[0] if found and 2 * len(words & found[0].words) >= len(words) else None
