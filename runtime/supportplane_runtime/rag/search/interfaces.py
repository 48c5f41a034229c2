"""What retrieval offers to the orchestrator. Implementation: retriever.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.domain.knowledge import Evidence


@dataclass(frozen=True, slots=True)
class PartFound:
    """What was found for a part of a question.

    text: as it was asked. evidence: chunk ids, best first, of passages of the whole retrieval. rarities: see Retrieval.
    is_question: see orchestrator/parts.py. answered: the evidence answers the part. in_scope: it belongs to what the
    documents are about.
    """

    text: str
    query: str
    evidence: tuple[str, ...]
    rarities: Mapping[str, float]
    is_question: bool
    answered: bool
    in_scope: bool = True


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for a question. evidence: best first. confidence: 0..1 that the evidence answers the question.

    around: not found, but before or after one of the best in its document, so that what begins or ends there is quoted
    whole. parts: of a question that asks several things.
    """

    question: str
    evidence: tuple[Evidence, ...]
    confidence: float
    in_scope: float  # 0..1 that the question belongs to what this knowledge is about at all
    rarities: Mapping[str, float] = field(default_factory=dict)  # of the question's lexemes; runs are chosen by it
    around: tuple[Evidence, ...] = ()
    parts: tuple[PartFound, ...] = ()

    @property
    def passages(self) -> tuple[Evidence, ...]:
        """All that can be quoted."""
        return (*self.evidence, *self.around)


class Retriever(Protocol):
    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval: ...

    async def retrieve_each(self, questions: Sequence[str], *, limit: int) -> list[Retrieval]:
        """What ``retrieve`` finds for each of them without a history, searched together."""
        ...
