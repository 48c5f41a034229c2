"""Sets of documents and questions, measured: read, ingest, ask, summarise. Called by run.py."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from supportplane_cli.console import note
from supportplane_cli.errors import WrongUsage
from supportplane_cli.evaluation.parts import EvaluationParts, database, opened
from supportplane_cli.supervisor.report import Reporter
from supportplane_runtime.evaluation import summary
from supportplane_runtime.evaluation.asking import ANSWER_ALL, Asker, Observation
from supportplane_runtime.evaluation.dataset import DataSet
from supportplane_runtime.evaluation.figures import Kind, MeasuredSet
from supportplane_runtime.orchestrator.nodes.decide import FITTED, Thresholds
from supportplane_runtime.rag.index.interfaces import Collection
from supportplane_runtime.rag.ingestion.ingest import IngestReport, Progress, ingest

TENANT: Final = "eval"


@dataclass(frozen=True, slots=True)
class Asked:
    """A set that was asked: what became of each question, and the figures of that."""

    product: str
    measured: MeasuredSet
    observations: Sequence[Observation]


def ask(sets: Sequence[DataSet], reporter: Reporter, *, answer_all: bool = False) -> list[Asked]:
    """answer_all: also what would go to a person."""
    twice = [name for name, count in Counter(each.name for each in sets).items() if count > 1]
    if twice:
        raise WrongUsage(f"Two sets are called {twice[0]}: figures are kept by name, so rename one of the folders.")
    with reporter:
        reporter.started("database")
        with database() as url:
            reporter.finished("database")
            return asyncio.run(_ask(sets, url, reporter, ANSWER_ALL if answer_all else FITTED))


async def _ask(sets: Sequence[DataSet], url: str, reporter: Reporter, thresholds: Thresholds) -> list[Asked]:
    async with opened(url) as parts:
        return [await _one(each, parts, reporter, thresholds) for each in sets]


async def _one(data: DataSet, parts: EvaluationParts, reporter: Reporter, thresholds: Thresholds) -> Asked:
    collection = Collection(TENANT, data.name, data.language, data.embedding)
    ingested = await _ingest(data, collection, parts, reporter)
    retriever = parts.clients.retriever_in(collection)
    asker = Asker(retriever, parts.clients.index, collection, thresholds=thresholds)
    reporter.started("questions")
    observations = []
    for done, question in enumerate(data.questions):
        reporter.progress("questions", "asking", done, len(data.questions))
        observations.append(await asker.ask(question))
    reporter.finished("questions", f"{len(observations)} asked")
    facts = _facts(ingested, observations)
    measured = MeasuredSet(Kind.DATA, data.name, data.contents, summary.figures(observations), facts)
    return Asked(data.product, measured, observations)


async def _ingest(data: DataSet, collection: Collection, parts: EvaluationParts, reporter: Reporter) -> IngestReport:
    reporter.started("documents")

    def progress(step: Progress) -> None:
        reporter.progress("documents", step.step, step.done, step.total)

    reading = await asyncio.to_thread(data.read)
    for skipped in reading.skipped:
        note(f"left out: {skipped.name} {skipped.reason}")
    ingested = await ingest(collection, reading, parts.ingestion, progress=progress)
    reporter.finished("documents", f"{ingested.documents} documents, {ingested.chunks} passages")
    return ingested


def _facts(ingested: IngestReport, observations: Sequence[Observation]) -> dict[str, Any]:
    kinds = Counter(_kind(each) for each in observations)
    return {
        "documents": ingested.documents,
        "passages": ingested.chunks,
        "unreadable_documents": len(ingested.skipped),
        "ingestion_seconds": round(ingested.seconds, 1),
        "questions": len(observations),
        **dict(sorted(kinds.items())),
    }


def _kind(observation: Observation) -> str:
    question = observation.question
    if question.is_answerable:
        return "answerable"
    return "out_of_scope" if question.out_of_scope else "for_routing"
