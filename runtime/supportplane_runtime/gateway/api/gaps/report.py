"""Gaps to a report by subject: counted, with examples and the documents that came nearest. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from supportplane_runtime.domain.gaps import GapReason, NearDocument
from supportplane_runtime.store.interfaces.gaps import Gap

EXAMPLES: Final = 3  # enough to see what is asked, short enough for a table; as in the report of feedback
NEAREST: Final = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """gaps: the most central question first, the others newest first."""

    gaps: tuple[Gap, ...]

    @property
    def customers(self) -> int:
        return len({gap.user_id for gap in self.gaps})

    @property
    def disliked(self) -> int:
        return sum(gap.disliked for gap in self.gaps)

    @property
    def asked_at(self) -> datetime:
        return max(gap.asked_at for gap in self.gaps)

    def count(self, reason: GapReason) -> int:
        return sum(gap.reason is reason for gap in self.gaps)

    def examples(self) -> list[Gap]:
        """The central question and the newest others, each text once."""
        by_text: dict[str, Gap] = {}
        for gap in self.gaps:
            by_text.setdefault(" ".join(gap.question.casefold().split()), gap)
        return list(by_text.values())[:EXAMPLES]

    def documents(self) -> list[NearDocument]:
        """Those that came nearest to most of the questions."""
        latest = {near.document_id: near for gap in reversed(self.gaps) for near in gap.documents}
        found = Counter(near.document_id for gap in self.gaps for near in gap.documents)
        return [latest[document_id] for document_id, _ in found.most_common(NEAREST)]


def report(gaps: Sequence[Gap]) -> list[Subject]:
    """Of most customers first: one who asks again and again wants one page. gaps: newest first."""
    return sorted((Subject(tuple(each)) for each in _grouped(gaps)), key=_rank, reverse=True)


def _rank(subject: Subject) -> tuple[int, int, datetime]:
    return subject.customers, len(subject.gaps), subject.asked_at


def _grouped(gaps: Sequence[Gap]) -> Iterable[list[Gap]]:
    # numpy and the embedding's types take 30 MB, which a gateway that nobody asks for gaps is spared.
    from supportplane_runtime.rag.grouping.subjects import EmbeddedQuestion, subjects  # noqa: PLC0415

    questions = [
        EmbeddedQuestion(gap.question, gap.meaning.embedder, gap.meaning.unrelated, gap.meaning.vector)
        if gap.meaning
        else EmbeddedQuestion(gap.question)
        for gap in gaps
    ]
    return [[gaps[position] for position in positions] for positions in subjects(questions)]
