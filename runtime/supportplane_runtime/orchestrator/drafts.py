"""Sentences on their way into an answer: drafted by the model or taken from passages, then checked and cited."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum

from supportplane_runtime.domain.answer import Source


class Author(StrEnum):
    MODEL = "model"
    EXTRACT = "extract"


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence nobody has checked. passage: index into the passages that its author says it comes from.

    head: the index of a passage and the lines of it that name the columns of the rows in ``text``, shown above them.
    heading: of the passage, shown above the text; empty for none.
    """

    text: str
    author: Author
    passage: int
    head: tuple[int, str] | None = None
    heading: str = ""

    @property
    def shown(self) -> str:
        text = f"{self.head[1]}\n{self.text}" if self.head else self.text
        return f"**{plain_heading(self.heading)}**\n\n{text}" if self.heading else text


def plain_heading(heading: str) -> str:
    """Without emphasis, which would end that of the whole line."""
    return heading.replace("*", "").strip()


Drafts = AsyncGenerator[Draft]


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """A sentence that a passage proves; marker is the number of its source."""

    text: str
    author: Author
    marker: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What verification left, in order. Empty when it left nothing.

    note: says which parts of the question are not answered; empty when all are. for_a_person: of those the ones that a
    person gets.
    """

    sentences: tuple[CitedSentence, ...] = ()
    sources: tuple[Source, ...] = ()
    note: str = ""
    for_a_person: tuple[str, ...] = ()

    @property
    def model_share(self) -> float:
        written = sum(sentence.author is Author.MODEL for sentence in self.sentences)
        return written / len(self.sentences) if self.sentences else 0.0
