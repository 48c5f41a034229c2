"""One page read for one question: what of it could be quoted, the best first. Pure, called by runs.py; ADR 0032, 0038.

The section that holds most of the question is quoted whole when it is short and the question is about its subject, and
from its beginning when it is long. When the question asks for a detail, the blocks that hold it are quoted: a list from
its first item to its last, a row with the names of its columns, code with the sentence that explains it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence import entries
from supportplane_runtime.rag.evidence.outline import (
    Block,
    Page,
    Section,
    Shape,
    header,
    is_delimiter,
    leads_in,
    without_asides,
)
from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.evidence.quotations import Quotation, Span
from supportplane_runtime.rag.words.lexemes import covered, distinct_lexemes
from supportplane_runtime.rag.words.units import Kind, Unit, units

# A section up to so many characters is quoted whole, one with steps, a list or code up to more: answers that a support
# lead would let pass 7 -> 12 of 30 real questions on two products.
MAX_PROSE: Final = 700
MAX_PROCEDURE: Final = 1200
# A list by itself is quoted to its last item as long as two passages hold it.
MAX_LIST: Final = 2400
# Shorter than this, what follows the best sentence is quoted too: mtrag_un's token recall 0.39 -> 0.41.
TERSE: Final = 300
# Of the question, by rarity: what a block must hold of it beyond the headings to be the detail that is asked for.
DETAIL: Final = 0.2
# Of the best block's or sentence's share of the question: what has less is filler.
WORTH_QUOTING: Final = 0.5
MAX_SENTENCES: Final = 4
# First words of a sentence among which a word points at the sentence before: `With this option`. A guess.
POINTS_AMONG: Final = 3

_PROCEDURE: Final = frozenset({Shape.LIST, Shape.STEPS, Shape.CODE})
_LED: Final = frozenset({Shape.LIST, Shape.STEPS, Shape.CODE, Shape.TABLE})
_NAMED_CONTROL: Final = re.compile(r"\*\*[^*\n]{1,60}\*\*|`[^`\n]{1,80}`")
_LABEL: Final = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\*\*|__|\[|`|[^\s:.,][^:.,]{0,60}(?::|\s[-–—]\s))")  # noqa: RUF001 - dashes as authors write them


@dataclass(frozen=True, slots=True)
class Asked:
    """wanted: lexemes of the question with their rarities."""

    question: str
    wanted: Mapping[str, float]


class PageReader:
    """One page read for one question. number: of the passage that was found on it."""

    def __init__(self, page: Page, passage: Passage, number: int, asked: Asked) -> None:
        self.page = page
        self._language = passage.language
        self._title = passage.title
        self._number = number
        self._asked = asked

    def runs(self) -> Iterator[tuple[Section, list[Span]]]:
        """What could be quoted, the best first, and of which section."""
        for section in sorted(self._sections(), key=self._share, reverse=True):
            detail = self._details(section)
            if detail and not self._is_short(section):
                yield (
                    section,
                    self._warned(section, self._finished(section, self.detail(self._with_steps(section, detail)))),
                )
            yield section, self._finished(section, self._from_beginning(section))

    def heading(self, section: Section, quoted: Sequence[Quotation]) -> str:
        """The nearest one, when it has a word of the question that the first sentence lacks, or one that nothing quoted
        says and the first paragraph points at it: `use this field`.
        """
        nearest = section.path[-1] if section.path else ""
        named = distinct_lexemes(nearest, self._language)
        first = distinct_lexemes(units(quoted[0].text, self._language)[0].text, self._language)
        said = {word for each in quoted for word in distinct_lexemes(each.text, self._language)}
        paragraph = quoted[0].text.partition("\n\n")[0]
        points = _any_of(self._language.pointing_words).search(paragraph) is not None and bool(named - said)
        return nearest if points or (self._asked.wanted.keys() - first) & named else ""

    def _sections(self) -> list[Section]:
        """Of the passage that was found."""
        return [each for each in self.page.sections if any(self._is_found(block) for block in each.blocks)]

    def _is_found(self, block: Block) -> bool:
        return block.shape is not Shape.MARK and any(
            place.passage == self._number for place in self.page.places[block.first : block.end]
        )

    def _share(self, section: Section) -> float:
        heading = distinct_lexemes(section.path[-1] if section.path else self._title, self._language)
        blocks = [held for block in section.blocks if self._is_found(block) for held in self._held(block)]
        return covered({*heading, *blocks}, self._asked.wanted)

    def _is_short(self, section: Section) -> bool:
        """Quoted whole, whatever is asked of it: what is left of it beside a detail is what the detail means."""
        return self.page.length(section.blocks[0].first, section.blocks[-1].end) <= _limit(section)

    # What a block holds

    def _held(self, block: Block) -> frozenset[str]:
        return distinct_lexemes(self.page.text(block), self._language)

    def _rest(self, section: Section) -> dict[str, float]:
        """What is asked beyond the subject that the headings name."""
        known = distinct_lexemes("\n".join((self._title, *section.path)), self._language)
        return {word: rarity for word, rarity in self._asked.wanted.items() if word not in known}

    def _weigh(self, held: Collection[str], wanted: Mapping[str, float]) -> float:
        return sum(rarity for word, rarity in wanted.items() if word in held)

    def weight(self, block: Block) -> float:
        return self._weigh(self._held(block), self._asked.wanted)

    def best_block(self) -> Block | None:
        blocks = [block for section in self._sections() for block in section.blocks if self._is_found(block)]
        return max(blocks, key=self.weight, default=None)

    def _size(self, spans: Sequence[Span]) -> int:
        return sum(self.page.length(span.first, span.end) for span in spans)

    def _section_of(self, block: Block) -> Section:
        return next(section for section in self.page.sections if any(each is block for each in section.blocks))

    def _details(self, section: Section) -> list[Block]:
        """The blocks that hold what is asked beyond the section's subject; none when the subject is what is asked."""
        rest = self._rest(section)
        blocks = [block for block in section.blocks if self._is_found(block)]
        weights = [self._weigh(self._held(block), rest) for block in blocks]
        best = max(weights, default=0.0)
        if best <= DETAIL * sum(self._asked.wanted.values()):
            return []
        order = sorted(range(len(blocks)), key=lambda n: (-weights[n], n))
        kept: list[Block] = []
        held: set[str] = set()
        for n in order:
            adds = self._weigh(self._held(blocks[n]) - held, rest)
            if weights[n] == best or adds >= DETAIL * sum(self._asked.wanted.values()):
                kept.append(blocks[n])
                held |= self._held(blocks[n])
        return kept

    def _with_steps(self, section: Section, detail: list[Block]) -> list[Block]:
        """A step written as a paragraph brings the steps before and after it."""
        if not all(self._is_step(block) for block in detail):
            return detail
        run = list(detail)
        for edge, step in ((0, -1), (-1, 1)):
            following = _neighbour(section, run[edge], step)
            while following is not None and self._is_step(following) and self._length([*run, following]) <= MAX_PROSE:
                run = sorted([*run, following], key=lambda block: block.first)
                following = _neighbour(section, following, step)
        return run

    def _is_step(self, block: Block) -> bool:
        """Names what is pressed, chosen or typed, as authors of instructions mark it: in bold or as code."""
        return block.shape is Shape.PARAGRAPH and _NAMED_CONTROL.search(self.page.text(block)) is not None

    def _length(self, blocks: Sequence[Block]) -> int:
        return sum(self.page.length(block.first, block.end) for block in blocks)

    # The subject: the section, whole or from its beginning

    def _from_beginning(self, section: Section) -> list[Span]:
        limit = _limit(section)
        spans: list[Span] = []
        length = 0
        for block in section.blocks:
            spans_of_block = self._whole(section, block)
            size = self._size(spans_of_block)
            is_first_list = block.shape in _LED and length + size <= MAX_LIST and length <= limit - TERSE
            says = any(not self.page.is_boxed(each) and each.first < block.first for each in section.blocks)
            if spans and says and length + size > limit and not is_first_list:
                break
            spans += spans_of_block
            length += size
            if length > limit:
                break
        return _joined(spans)

    # The end: what the last words announce

    def _finished(self, section: Section, spans: list[Span]) -> list[Span]:
        """Goes on while the last words announce what follows, and to the command that ends a procedure."""
        finished = list(spans)
        while finished:
            added = self._announced(section, finished)
            if not added:
                break
            finished += added
        return _joined(finished)

    def _announced(self, section: Section, spans: Sequence[Span]) -> list[Span]:
        end = max(span.end for span in spans)
        block = next((each for each in section.blocks if each.end == end), None)
        following = _neighbour(section, block, 1) if block else None
        if block is None or following is None:
            return []
        added = self._whole(section, following)
        last = self.page.places[end - 1].unit
        if leads_in(last) or self._announces(last) or self._explains(section, block):
            return added if self._size(added) <= MAX_LIST else []
        command = _neighbour(section, following, 1)
        if block.shape in _PROCEDURE and self._ends_in(following, command):
            added += self._whole(section, command) if command else []
            return added if self._size(added) <= TERSE else []
        return self._procedure(section, spans)

    def _procedure(self, section: Section, spans: Sequence[Span]) -> list[Span]:
        """What stands up to the end of the section's next steps or commands, when only prose is quoted."""
        first, end = spans[0].first, max(span.end for span in spans)
        quoted = [block for block in section.blocks if block.first < end and block.end > first]
        behind = [block for block in section.blocks if block.first >= end]
        at = next((n for n, block in enumerate(behind) if block.shape in _PROCEDURE), None)
        if at is None or not quoted or any(block.shape is not Shape.PARAGRAPH for block in quoted):
            return []
        added = [span for block in behind[: at + 1] for span in self._whole(section, block)]
        return added if self._size([*spans, *added]) <= MAX_PROCEDURE else []

    def _announces(self, unit: Unit) -> bool:
        """Whether it says what stands below: `The below shows an example.`."""
        words = _any_of(self._language.announcing_words)
        return unit.kind is Kind.PROSE and words.search(unit.text) is not None

    def _ends_in(self, block: Block, command: Block | None) -> bool:
        """`Restart the server:` and how."""
        is_lead = block.shape is Shape.PARAGRAPH and leads_in(self.page.places[block.end - 1].unit)
        return is_lead and command is not None and command.shape is Shape.CODE

    def _warned(self, section: Section, spans: list[Span]) -> list[Span]:
        """With the box at the top of the section whose commands are quoted."""
        top = section.blocks[0]
        commands = any(
            self.page.places[n].unit.kind is Kind.CODE for span in spans for n in range(span.first, span.end)
        )
        is_there = not spans or spans[0].first <= top.first
        if not commands or is_there or not self.page.is_boxed(top):
            return spans
        return _joined(sorted([Span(top.first, top.end), *spans]))

    # A detail: the blocks that hold it, each with what it needs

    def detail(self, blocks: Sequence[Block]) -> list[Span]:
        spans: list[Span] = []
        length = 0
        for block in sorted(blocks, key=lambda block: block.first):
            section = self._section_of(block)
            added = [*self._lead(section, block), *self._within(section, block), *self._led(section, block)]
            added = [span for span in added if span not in spans]
            size = self._size(added)
            if spans and length + size > MAX_PROSE:
                continue
            spans += added
            length += size
        return _joined(sorted(spans))

    def _lead(self, section: Section, block: Block) -> list[Span]:
        """The sentence that a list, code or a table is introduced by, or that a paragraph leans on."""
        before = _neighbour(section, block, -1)
        if before is None or before.shape is not Shape.PARAGRAPH:
            return []
        leans = block.shape is Shape.PARAGRAPH and self._leans(self.page.places[block.first].unit)
        introduces = block.shape in (*_LED, Shape.NOTE) and leads_in(self.page.places[before.end - 1].unit)
        if not (leans or introduces or block.shape is Shape.CODE) or self._explains(section, block):
            return []
        short = self.page.length(before.first, before.end) <= TERSE
        return [Span(before.first if short else before.end - 1, before.end)]

    def _led(self, section: Section, block: Block) -> list[Span]:
        """What a paragraph introduces or explains."""
        following = _neighbour(section, block, 1)
        if block.shape is not Shape.PARAGRAPH or following is None or following.shape is Shape.PARAGRAPH:
            return []
        if not leads_in(self.page.places[block.end - 1].unit) and not self._explains(section, block):
            return []
        spans = self._whole(section, following)
        return spans if self._size(spans) <= MAX_LIST else []

    def _explains(self, section: Section, block: Block) -> bool:
        """Whether a paragraph stands right before code: its `this` is the code."""
        following = _neighbour(section, block, 1)
        return block.shape is Shape.PARAGRAPH and following is not None and following.shape is Shape.CODE

    def _whole(self, section: Section, block: Block) -> list[Span]:
        if block.shape is Shape.MARK:
            return []
        spans = [Span(block.first, block.end)]
        if block.shape is Shape.PARAGRAPH:
            spans = self._without_neighbours(section, block)
        if block.shape in (Shape.TABLE, Shape.LIST):
            spans = self._entries(section, block)
        if self.page.length(block.first, block.end) > MAX_PROSE and block.shape in (Shape.LIST, Shape.STEPS):
            spans = [Span(*part) for span in spans for part in without_asides(self.page.places, span[:2])]
        return spans

    def _within(self, section: Section, block: Block) -> list[Span]:
        if block.shape is not Shape.PARAGRAPH or self.page.length(block.first, block.end) <= TERSE:
            return self._whole(section, block)
        return self._sentences(block)

    def _without_neighbours(self, section: Section, block: Block) -> list[Span]:
        """A paragraph without the sentences that say of something else what another says of what is asked."""
        held = [distinct_lexemes(self.page.places[n].unit.text, self._language) for n in range(block.first, block.end)]
        kept = entries.unlike(held, self._rest(section))
        return _joined([Span(block.first + n, block.first + n + 1) for n in kept])

    def _entries(self, section: Section, block: Block) -> list[Span]:
        """The rows with their header, or the items, that the question names; all when it names none."""
        head = header(block, self.page.places) if block.shape is Shape.TABLE else 0
        groups = list(self._groups(block, head))
        if block.shape is Shape.LIST and (self._is_one_statement(section, block) or not self._are_labelled(groups)):
            return [Span(block.first, block.end)]
        above = distinct_lexemes(
            "\n".join(each.unit.text for each in self.page.places[block.first : block.first + head]), self._language
        )
        rest = {word: rarity for word, rarity in self._rest(section).items() if word not in above}
        held = [
            distinct_lexemes("\n".join(each.unit.text for each in self.page.places[first:end]), self._language)
            for first, end, _ in groups
        ]
        chosen = entries.named(held, rest)
        if len(chosen) == len(groups):
            return [Span(block.first, block.end)]
        spans = [Span(block.first, block.first + head, is_head=True)] if head else []
        return _joined([*spans, *(groups[n] for n in chosen)])

    def _is_one_statement(self, section: Section, block: Block) -> bool:
        """A short list that a sentence leads up to: what it says of one item it says of all."""
        before = _neighbour(section, block, -1)
        leads = before is not None and leads_in(self.page.places[before.end - 1].unit)
        return leads and self.page.length(block.first, block.end) <= MAX_PROSE

    def _groups(self, block: Block, head: int) -> Iterator[Span]:
        """Each row, or each outermost item with what is nested in it."""
        starts = [
            n
            for n in range(block.first + head, block.end)
            if not is_delimiter(self.page.places[n].unit)
            and (
                block.shape is Shape.TABLE
                or (self.page.places[n].unit.kind is Kind.ITEM and self.page.places[n].depth <= 1)
            )
        ]
        for n, start in enumerate(starts):
            yield Span(start, starts[n + 1] if n + 1 < len(starts) else block.end)

    def _are_labelled(self, items: Sequence[Span]) -> bool:
        """Items that each begin with a name stand for themselves; others are read together."""
        labelled = sum(_LABEL.match(self.page.places[first].unit.text) is not None for first, *_ in items)
        return len(items) > 1 and labelled == len(items)

    def _sentences(self, block: Block) -> list[Span]:
        """Of a long paragraph: those that hold most of the question, and what they lean on or leave off at."""
        places = self.page.places
        held = [distinct_lexemes(places[n].unit.text, self._language) for n in range(block.first, block.end)]
        scores = [covered(each, self._asked.wanted) for each in held]
        for n in range(len(scores) - 1):
            if places[block.first + n].unit.text.endswith("?"):
                scores[n + 1] = max(scores[n], scores[n + 1])
        best = max(scores)
        order = sorted(range(len(scores)), key=lambda n: (-scores[n], n))[:MAX_SENTENCES]
        kept = sorted(n for n in order if scores[n] >= WORTH_QUOTING * best)
        chosen = {kept[n] for n in entries.unlike([held[n] for n in kept], self._asked.wanted)}
        chosen |= {n - 1 for n in chosen if n and self._leans(places[block.first + n].unit)}
        chosen |= {n for n in range(1, len(scores) - 1) if {n - 1, n + 1} <= chosen}
        last = max(chosen)
        while last + 1 < len(scores) and sum(len(places[block.first + n].unit.text) for n in chosen) < TERSE:
            last += 1
            chosen.add(last)
        return _joined([Span(block.first + n, block.first + n + 1) for n in sorted(chosen)])

    def _leans(self, unit: Unit) -> bool:
        begins = " ".join(unit.text.split(maxsplit=POINTS_AMONG)[:POINTS_AMONG])
        leans = _leaning(self._language).match(unit.text) or _any_of(self._language.pointing_words).search(begins)
        return leans is not None


def _limit(section: Section) -> int:
    return MAX_PROCEDURE if any(block.shape in _PROCEDURE for block in section.blocks) else MAX_PROSE


def _neighbour(section: Section, block: Block, step: int) -> Block | None:
    at = next(n for n, each in enumerate(section.blocks) if each is block) + step
    return section.blocks[at] if 0 <= at < len(section.blocks) else None


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].end >= span.first and not (joined[-1].is_head or span.is_head):
            joined[-1] = Span(joined[-1].first, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


@cache
def _any_of(words: frozenset[str]) -> re.Pattern[str]:
    """Finds one of the words; nothing where there are none."""
    known = "|".join(map(re.escape, sorted(words))) or r"(?!)"
    return re.compile(rf"\b(?:{known})\b", re.IGNORECASE)


@cache
def _leaning(language: Language) -> re.Pattern[str]:
    """Fits a sentence that says little without the one before."""
    return re.compile(rf"^\W*(?:{'|'.join(map(re.escape, sorted(language.leaning_words)))})\b", re.IGNORECASE)
