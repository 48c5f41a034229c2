"""Whether words that a passage proves answer anything; pure, called by the orchestrator's verify node after verify.py.

A heading, a list of links, a question, a lead-in without what it leads to and the question said over again are all in
the passage, so a passage proves them, and a customer has learnt nothing. It errs towards rejecting, as verify.py does.
"""

import re
from collections.abc import Iterator
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence.marks import denials
from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.words.lexemes import sequence
from supportplane_runtime.rag.words.units import Kind, units

_LINK = re.compile(r"!?\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])|<?https?://[^\s>]+>?")
_WORD = re.compile(r"\w")
# What stands behind a sentence's last mark: quotation marks, brackets, emphasis.
_AFTER: Final = "\"'\u201d\u2019)]*_ \n"
_FULL_STOPS: Final = (".", "!", "…", "。", "！")  # noqa: RUF001 - full-width marks
_PROMISES: Final = ("?", ":", "\uff1f", "\uff1a")


def says_something(claim: str, passage: Passage, question: str) -> bool:
    """claim: words that the passage proves. question: what was asked, with what it leans on."""
    ending = claim.rstrip(_AFTER)
    if ending.endswith(_PROMISES) or not _WORD.search(_LINK.sub("", claim)):
        return False
    if ending.endswith(_FULL_STOPS) and _is_sentence_of(claim, passage):
        return True
    return not any(_repeats(claim, known, passage.language) for known in (question, *_headings(passage)))


def _is_sentence_of(claim: str, passage: Passage) -> bool:
    """The passage's own statement answers also a question that has the same words: Do keys expire? Keys expire."""
    said = claim.strip()
    return any(said in unit.text for unit in units(passage.text, passage.language) if unit.kind is not Kind.HEADING)


def _repeats(claim: str, known: str, language: Language) -> bool:
    """No word and no denial that is not known already."""
    adds = set(sequence(claim, language)).difference(sequence(known, language))
    return not adds and denials(claim, language) == denials(known, language)


def _headings(passage: Passage) -> Iterator[str]:
    """Of the document and the sections above, as one path, and those inside of the passage."""
    yield "\n".join((passage.title, *passage.heading_path))
    yield from (unit.text for unit in units(passage.text, passage.language) if unit.kind is Kind.HEADING)
