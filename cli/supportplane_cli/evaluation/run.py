"""`supportplane eval`, from the folder to the table: read, ingest, ask, summarise, show."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from supportplane_cli.console import note
from supportplane_cli.errors import PartFailed, WrongUsage
from supportplane_cli.evaluation import report
from supportplane_cli.evaluation.parts import EvaluationParts, database, opened
from supportplane_cli.supervisor.report import Clock, Reporter, SilentReporter, make_reporter
from supportplane_runtime.errors import InvalidRequest, RuntimeFault
from supportplane_runtime.evaluation import dataset, summary
from supportplane_runtime.evaluation.asking import Asker, Observation
from supportplane_runtime.evaluation.dataset import DataSet
from supportplane_runtime.rag.documents.reading import read_jsonl
from supportplane_runtime.rag.index.interfaces import Collection
from supportplane_runtime.rag.ingestion.ingest import IngestReport, Progress, ingest

TENANT: Final = "eval"


def run(data: Path, *, as_json: bool) -> None:
    """Raises CommandFailed with a sentence for a folder that cannot be measured."""
    reporter = SilentReporter() if as_json else make_reporter(Clock(), as_json=False)
    try:
        folder = dataset.load(data)
        with reporter:
            reporter.started("database")
            with database() as url:
                reporter.finished("database")
                ingested, observations = asyncio.run(_measure(folder, url, reporter))
    except InvalidRequest as fault:
        raise WrongUsage(fault.detail, hint="supportplane eval --help") from fault
    except RuntimeFault as fault:
        raise PartFailed(fault.detail) from fault
    report.show(folder.name, _facts(ingested, observations), summary.figures(observations), as_json=as_json)


async def _measure(folder: DataSet, url: str, reporter: Reporter) -> tuple[IngestReport, list[Observation]]:
    collection = Collection(TENANT, folder.name)
    async with opened(url) as parts:
        ingested = await _ingest(folder, collection, parts, reporter)
        asker = Asker(parts.retriever(collection), parts.index, collection)
        reporter.started("questions")
        observations = []
        for done, question in enumerate(folder.questions):
            reporter.progress("questions", "asking", done, len(folder.questions))
            observations.append(await asker.ask(question))
        reporter.finished("questions", f"{len(observations)} asked")
    return ingested, observations


async def _ingest(folder: DataSet, collection: Collection, parts: EvaluationParts, reporter: Reporter) -> IngestReport:
    reporter.started("documents")

    def progress(step: Progress) -> None:
        reporter.progress("documents", step.step, step.done, step.total)

    reading = await asyncio.to_thread(read_jsonl, folder.documents, collection.language)
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
