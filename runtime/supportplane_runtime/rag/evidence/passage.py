"""What can be quoted and can prove a sentence: a value, so that the evidence knows neither indexes nor files.

Today the orchestrator makes one of each chunk that was found. Whatever else answers a question can become one as well.
"""

from dataclasses import dataclass

from supportplane_runtime.languages import Language


@dataclass(frozen=True, slots=True)
class Passage:
    """text: verbatim. heading_path: the headings above the text, the nearest last. score: 0..1, how good a find.

    document, position: passages of one document whose positions follow each other follow each other in the document.
    """

    text: str
    title: str
    heading_path: tuple[str, ...]
    language: Language
    score: float = 1.0
    document: str = ""
    position: int = 0

    @property
    def above(self) -> tuple[str, ...]:
        """The title and the headings."""
        return (self.title, *self.heading_path)

    @property
    def searched(self) -> str:
        """The text with what stands above it."""
        return "\n".join((*self.above, self.text))
