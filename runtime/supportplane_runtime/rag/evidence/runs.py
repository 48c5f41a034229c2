"""Chooses what of the passages answers a question, word for word: a run that makes sense by itself. Pure, ADR 0032.

From which passages something is quoted, and whether a second one adds to the first; what of one page, page_reader.py
says. Called by the orchestrator's answer node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence import entries
from supportplane_runtime.rag.evidence.outline import page
from supportplane_runtime.rag.evidence.page_reader import MAX_PROCEDURE, MAX_PROSE, Asked, PageReader
from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.evidence.quotations import Quotation, quotations
from supportplane_runtime.rag.words.lexemes import covered, distinct_lexemes, lexemes

# What a word of the question before counts, and of the one before that again. A guess, below what entries.py keeps.
EARLIER: Final = 0.4
# Another passage must add this much of the question, and be nearly as good a find.
WORTH_ADDING: Final = 0.3
NEARLY_AS_GOOD: Final = 0.7
# A second find is as good as the first: with it answers say 0.47 instead of 0.44 of the words of whole answers, in 100
# more characters (tuning halves of tests/judged and 17 questions to one more product); at 0.95 0.46, in 70 more.
AS_GOOD: Final = 0.9
# Of the question, by rarity: a run that holds so much of it needs no second one. At 0.7 answers lost words.
ENOUGH: Final = 0.8
# Of the question, by rarity and as far as some found passage holds it: what a second run must hold. Of 110 second runs
# for judged questions it leaves out or replaces 45: one answer that was right, and one that was partly, lost its point.
HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """passages: best first; from the index ``ranked`` on they were not found, but stand before or after one that was.

    rarities: see Retrieval.
    """

    passages: Sequence[Passage]
    rarities: Mapping[str, float]
    ranked: int


def pick(question: str, found: Found, leans_on: Sequence[str] = ()) -> list[Quotation]:
    """What to quote, in reading order: the best run, and of another passage what that lacks of the question.

    Empty when no passage says anything. leans_on: what was asked before and the question leans on, the latest last.
    """
    quoted = best_run(question, found, leans_on)
    if not quoted:
        return []
    language = found.passages[quoted[0].passage].language
    asked = _asked(question, leans_on, found, language)
    known = _known(found, asked)
    for second in (_equal(found, quoted, asked), _addition(found, quoted, known)):
        if second and _held(second, found.passages, known) >= HALF:
            return [*quoted, *second]
    return quoted


def best_run(question: str, found: Found, leans_on: Sequence[str] = ()) -> list[Quotation]:
    """See ``pick``."""
    ranked = found.passages[: found.ranked]
    for first, passage in enumerate(ranked):
        if passage.score < NEARLY_AS_GOOD * ranked[0].score:
            break
        quoted = _from_passage(found.passages, first, _asked(question, leans_on, found, passage.language))
        if quoted:
            return quoted
    return []


def _asked(question: str, leans_on: Sequence[str], found: Found, language: Language) -> Asked:
    questions = [*leans_on, question]
    return Asked("\n".join(questions), _wanted(questions, found.rarities, language))


def _wanted(questions: Sequence[str], rarities: Mapping[str, float], language: Language) -> dict[str, float]:
    """The words of the latest question, and those of earlier ones for less: `and to Malta?` asks for that row alone."""
    wanted: dict[str, float] = {}
    for back, question in enumerate(reversed(questions)):
        for word in lexemes(question, language):
            wanted.setdefault(word, EARLIER**back * rarities.get(word, 1.0))
    return wanted


def _from_passage(passages: Sequence[Passage], number: int, asked: Asked) -> list[Quotation]:
    known = PageReader(page(passages, _together(passages, number)), passages[number], number, asked)
    for section, spans in known.runs():
        quoted = quotations(known.page, spans, passages, asked.question)
        if quoted:
            return [replace(quoted[0], heading=known.heading(section, quoted)), *quoted[1:]]
    return []


def _together(passages: Sequence[Passage], number: int) -> list[int]:
    """The passage and those that stand before and after it, without a gap."""
    places = {each.position: n for n, each in enumerate(passages) if each.document == passages[number].document}
    if not passages[number].document:
        return [number]
    first = last = passages[number].position
    while first - 1 in places:
        first -= 1
    while last + 1 in places:
        last += 1
    return [number if at == passages[number].position else places[at] for at in range(first, last + 1)]


def _known(found: Found, asked: Asked) -> Asked:
    """Without the words that no passage holds: no second run could add them."""
    known = [distinct_lexemes(each.searched, each.language) for each in found.passages[: found.ranked]]
    wanted = {word: rarity for word, rarity in asked.wanted.items() if any(word in each for each in known)}
    return replace(asked, wanted=wanted)


def _addition(found: Found, quoted: Sequence[Quotation], asked: Asked) -> Sequence[Quotation]:
    """The block of another passage that says most of what is still missing, when that is much of the question.

    asked: see ``_known``.
    """
    passages = found.passages
    first = passages[quoted[0].passage]
    said = "\n".join(each.text for each in quoted)
    held = distinct_lexemes(said, first.language) | distinct_lexemes("\n".join(first.above), first.language)
    missing = {word: rarity for word, rarity in asked.wanted.items() if word not in held}
    least = WORTH_ADDING * sum(asked.wanted.values())
    used = {each.passage for each in quoted}
    for n in (n for n in range(found.ranked) if n not in used):
        if passages[n].score < NEARLY_AS_GOOD * passages[0].score or sum(missing.values()) < least or not missing:
            return ()
        reader = PageReader(page(passages, [n]), passages[n], n, Asked(asked.question, missing))
        best = reader.best_block()
        if best is not None and reader.weight(best) >= least:
            added = quotations(reader.page, reader.detail([best]), passages, asked.question)
            if added and sum(len(each.text) for each in added) <= MAX_PROSE:
                return added
    return ()


def _equal(found: Found, quoted: Sequence[Quotation], asked: Asked) -> Sequence[Quotation]:
    """The run of the next passage when that is as good a find as the first: which of both answers, nothing tells."""
    passages, first = found.passages, quoted[0].passage
    said = "\n".join(each.text for each in quoted)
    if covered(distinct_lexemes(said, passages[first].language), asked.wanted) >= ENOUGH:
        return ()
    used = {each.passage for each in quoted}
    following = next((n for n in range(found.ranked) if n not in used), None)
    if following is None or len(said) > MAX_PROSE or passages[following].score < AS_GOOD * passages[first].score:
        return ()
    added = _from_passage(passages, following, asked)
    text = "\n".join(each.text for each in added)
    is_new = not any(each.passage in used for each in added) and not entries.are_alike(
        distinct_lexemes(said, passages[first].language), distinct_lexemes(text, passages[following].language)
    )
    return added if is_new and len(said) + len(text) <= MAX_PROCEDURE else ()


def _held(quoted: Sequence[Quotation], passages: Sequence[Passage], asked: Asked) -> float:
    """How much of the question, by rarity, stands in quotations and the headings above them."""
    texts = [(passages[each.passage], each.text) for each in quoted]
    words = {
        word
        for passage, text in texts
        for part in (text, "\n".join(passage.above))
        for word in distinct_lexemes(part, passage.language)
    }
    return covered(words, asked.wanted)
