"""Parts for turns in tests: a retriever that knows fixed passages, and an engine without a database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.domain.knowledge import Chunk, Evidence
from supportplane_runtime.orchestrator.graph import Parts, build_graph, run_turn
from supportplane_runtime.orchestrator.state import Emit
from supportplane_runtime.rag.search.interfaces import Retrieval


def passage(text: str, *, name: str = "keys", score: float = 0.9) -> Evidence:
    chunk = Chunk(
        chunk_id=f"chunk-{name}",
        document_id=f"document-{name}",
        title=name.title(),
        heading_path=(name.title(),),
        text=text,
        url=f"https://docs.example/{name}",
        position=0,
    )
    return Evidence(chunk, keyword=10.0 * score, vector=score, score=score)


ROTATE = passage("To rotate an API key, run supportplane keys create and revoke the old key. Keys are stored hashed.")
BACKUP = passage("A backup is written with supportplane backup. It holds the database.", name="backup", score=0.6)


@dataclass
class FixedRetriever:
    """Finds the same for every question. wait: called before it answers, to hold a turn or to fail it."""

    evidence: Sequence[Evidence] = (ROTATE, BACKUP)
    confidence: float = 0.95
    in_scope: float = 0.95
    wait: Callable[[], object] | None = None
    questions: list[tuple[str, tuple[Message, ...]]] = field(default_factory=list)

    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval:
        self.questions.append((question, tuple(history)))
        if self.wait is not None:
            await self.wait()  # type: ignore[misc]
        return Retrieval(question, tuple(self.evidence[:limit]), confidence=self.confidence, in_scope=self.in_scope)

    async def retrieve_each(self, questions: Sequence[str], *, limit: int) -> list[Retrieval]:
        return [await self.retrieve(question, (), limit=limit) for question in questions]


class MemoryEngine:
    """The graph without checkpoints."""

    def __init__(self, parts: Parts) -> None:
        self._graph = build_graph(parts, None)
        self.forgotten: list[Turn] = []

    async def run(self, turn: Turn, history: Sequence[Message], emit: Emit) -> Ending:
        return await run_turn(self._graph, turn, history, emit)

    async def forget(self, turns: Sequence[Turn]) -> None:
        self.forgotten.extend(turns)

    async def tidy(self) -> None:
        """Nothing is kept."""
