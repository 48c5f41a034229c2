"""What the passage says of another name or another piece of code than the sentence; pure."""

import re

from supportplane_runtime.rag.evidence.alignment import Stretch
from supportplane_runtime.rag.evidence.marks import stems
from supportplane_runtime.rag.evidence.rules.case import RIVAL_BY, Case, content, fit, worded


def is_bound_to_another(case: Case) -> bool:
    """What is said of one name or code stands in the passage of another one."""
    if not worded(case):
        return False
    anchors = _anchors(case.claim)
    own_stems = frozenset(stem for name in anchors for stem in stems(name, case.written))
    rest = content(_ANCHOR.sub(" ", case.claim), case) - own_stems
    if not anchors or not case.passage.stretches or not case.passage.weight(rest):
        return False
    held = [(each, _held(anchors, each)) for each in case.passage.stretches]
    most = max(count for _, count in held)
    enough = most if any(name.startswith("`") for name in anchors) else 1
    own = [rest & each.words for each, count in held if count >= enough]
    others = [rest & each.words for each, count in held if count < enough and _rivals(each, anchors)]
    return most > 0 and any(all(_fits_better(rival, each, rest, case) for each in own) for rival in others)


def _fits_better(rival: frozenset[str], own: frozenset[str], words: frozenset[str], case: Case) -> bool:
    """By more than one word, since one may stand anywhere."""
    return len(rival - own) > len(own - rival) + 1 and fit(words, rival, case) > fit(words, own, case) + RIVAL_BY


def _held(anchors: frozenset[str], stretch: Stretch) -> int:
    text = f"{stretch.text}\n{stretch.context}".casefold()
    return sum(name.strip("`") in text for name in anchors)


def _rivals(stretch: Stretch, anchors: frozenset[str]) -> frozenset[str]:
    """Names where the claim has names, code where the claim has code."""
    kinds = {name.startswith("`") for name in anchors}
    return frozenset(
        name for name in _anchors(f"{stretch.text}\n{stretch.context}") - anchors if name.startswith("`") in kinds
    )


# Names of several words are one name; a single one at the beginning of a sentence is a word like others.
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'\u2019.+-]*"
_ANCHOR = re.compile(
    rf"`[^`]+`|(?<=[\w,;:)]\s){_CAPITAL}(?:\s{_CAPITAL})*|\b[A-Z]+\d\w*\+?|\b[A-Z][A-Z0-9]+\b|^\W*{_CAPITAL}(?:\s{_CAPITAL})+"
)


def _anchors(text: str) -> frozenset[str]:
    return frozenset(match.strip(" *.,'").casefold() for match in _ANCHOR.findall(text))
