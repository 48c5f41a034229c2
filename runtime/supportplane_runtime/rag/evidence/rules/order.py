"""What the sentence says comes first and what then, against the passage; pure."""

import re
from statistics import median

from supportplane_runtime.rag.evidence import alignment
from supportplane_runtime.rag.evidence.alignment import Stretch
from supportplane_runtime.rag.evidence.events import events
from supportplane_runtime.rag.evidence.marks import Mark, all_stems, denials, marks, stems
from supportplane_runtime.rag.evidence.rules.case import MAYBE_MEANT, Case, content


def has_other_order(case: Case) -> bool:
    """What comes first in the claim comes then in the passage: by its words of order, or by its numbered steps."""
    if not case.is_same:
        return any(_is_code_crossed(first, second, case) for first, second in events(case.claim, case.spoken))
    return any(
        _is_crossed(content(first, case), content(second, case), case)
        or _is_reversed(content(first, case), content(second, case), case)
        or _stands_behind(first, second, case)
        for first, second in events(case.claim, case.spoken)
    )


_CODE = re.compile(r"`[^`]+`")


def _is_code_crossed(first: str, second: str, case: Case) -> bool:
    """Pieces of code are the same in all languages, and what a passage tells to run first stands first in it."""
    ours, theirs = (_CODE.findall(text) for text in (first, second))
    for stretch in case.passage.stretches:
        said = stretch.text.casefold()
        if len(ours) == 1 and len(theirs) == 1 and ours[0] in said and theirs[0] in said:
            return said.index(theirs[0]) < said.index(ours[0]) and not any(events(stretch.text, case.written))
    return False


def _is_crossed(first: frozenset[str], second: frozenset[str], case: Case) -> bool:
    for stretch in alignment.best(first | second, case.passage):
        pairs = [(content(one, case), content(two, case)) for one, two in events(stretch.text, case.written)]
        if pairs:
            return any(_is_pair_crossed(first, second, one, two, case) for one, two in pairs) and not any(
                _is_pair_crossed(second, first, one, two, case) for one, two in pairs
            )
    return False


def _is_pair_crossed(
    first: frozenset[str], second: frozenset[str], one: frozenset[str], two: frozenset[str], case: Case
) -> bool:
    straight = case.passage.weight(first & one) + case.passage.weight(second & two)
    crossed = case.passage.weight(first & two) + case.passage.weight(second & one)
    return crossed > straight and _are_alike(first, two, case) and _are_alike(second, one, case)


def _are_alike(one: frozenset[str], other: frozenset[str], case: Case) -> bool:
    """Half of the words of one of them, as far as the passage knows them."""
    least = min(case.passage.weight(one), case.passage.weight(other))
    return 0 < least <= 2 * case.passage.weight(one & other)


def _is_reversed(first: frozenset[str], second: frozenset[str], case: Case) -> bool:
    """The passage's steps, numbered or with a word for then, have the two the other way round."""
    one, two = _step(first - second, case), _step(second - first, case)
    if one is None or two is None or one.position <= two.position:
        return False
    return (one.is_numbered and two.is_numbered) or marks(one.text, case.written)[Mark.THEN] > 0


def _stands_behind(first: str, second: str, case: Case) -> bool:
    """Of two things said in one sentence without a word of order, the first one of the claim comes second."""
    ones, twos = (_steps(content(each, case), case) for each in (first, second))
    found = next((each for each in ones if each in twos), None)
    if found is None or denials(found.text, case.written) or any(events(found.text, case.written)):
        return False
    ours, theirs = stems(first, case.written), stems(second, case.written)
    words = all_stems(found.text, case.written)
    of_first = [place for place, word in enumerate(words) if word in ours - theirs]
    of_second = [place for place, word in enumerate(words) if word in theirs - ours]
    return len(of_first) > 0 and len(of_second) > 0 and median(of_first) > max(of_second)


def _steps(words: frozenset[str], case: Case) -> list[Stretch]:
    """Those that most of the words are from, and that may be meant."""
    found = alignment.best(words, case.passage, near=MAYBE_MEANT)
    return [each for each in found if 2 * len(words & each.words) >= len(words)]


def _step(words: frozenset[str], case: Case) -> Stretch | None:
    """The stretch that most of the words are from, the first of those as good."""
    found = alignment.best(words, case.passage)
    return found[0] if found and 2 * len(words & found[0].words) >= len(words) else None
