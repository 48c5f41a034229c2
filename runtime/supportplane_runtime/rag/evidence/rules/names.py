"""Code, identifiers and names that the passage does not have; pure."""

import re

from supportplane_runtime.rag.evidence.marks import stems
from supportplane_runtime.rag.evidence.measures import ALONE
from supportplane_runtime.rag.evidence.rules.case import Case

_CODE_SPAN = re.compile(r"`([^`]+)`")
_IDENTIFIER = re.compile(
    r"(?<![\w-])--?[a-zA-Z][\w-]*|https?://\S+|[\w.+-]+@[\w-]+\.\w+|\b\w+(?:[_/]\w+)+|"
    r"\b[a-z]+[A-Z]\w*|\b[A-Za-z]+\d\w*|\b\d+[A-Za-z]+\d\w*"
)
_ACRONYM = re.compile(r"\b[A-Z][A-Z0-9]+\b")
_NAME = re.compile(r"(?<=[\w,;:)]\s)[A-ZÀ-ÖØ-Þ][\w'\u2019-]+")


def has_other_code(case: Case) -> bool:
    text = _spaced(case.passage.text)
    spans = (_spaced(span) for span in _CODE_SPAN.findall(case.claim))
    return any(span.strip() and span not in text for span in spans)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def has_other_name(case: Case) -> bool:
    """A name or an identifier that the passage lacks. Nouns of a translation are no names."""
    text = case.passage.text.casefold()
    plain = _CODE_SPAN.sub(" ", case.claim)
    wanted = {
        match.strip(".,:;") for pattern in (_IDENTIFIER, _ACRONYM) for match in pattern.findall(plain)
    } - ALONE.keys()
    if any(word.casefold().removeprefix("v") not in text for word in wanted):
        return True
    if not case.is_same or case.spoken.nouns_are_capital:
        return False
    known = stems(case.passage.text, case.written)
    return any(
        not stems(name, case.written) <= known for name in _NAME.findall(plain) if name not in ALONE and name != "I"
    )
