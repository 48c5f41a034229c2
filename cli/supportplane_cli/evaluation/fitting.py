"""Fits the coefficients of rag/search/confidence.json: ``python -m supportplane_cli.evaluation.fitting FOLDER ...``.

``--part tuning`` fits on a half of the questions, so that ``supportplane eval --part kept`` can test on the other.

``--agent FILE QUESTIONS`` adds the documents of an agent file with questions about them, such as those of tests/judged.

For whoever changes the ranking or the embedding, then the features move. Two logistic regressions, each folder weighing
the same: "confidence" learns whether the first document is relevant, over every measured question; "in_scope" learns to
tell a folder's own questions, also with their documents taken away, from those of the other folders. A folder without
kb.jsonl only lends its out-of-scope questions to the others. "left_out" judges the confidence on each folder by a fit
over the others: what a change of the features is worth shows there. It is to be read; confidence.json does without.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from supportplane_cli.console import emit, note
from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.evaluation.parts import EvaluationParts, database, opened
from supportplane_crds.errors import InvalidAgentFile
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation import dataset, fits, metrics
from supportplane_runtime.evaluation.asking import messages
from supportplane_runtime.evaluation.dataset import DOCUMENTS, SEED, DataSet, Part, Question
from supportplane_runtime.evaluation.fits import Example
from supportplane_runtime.rag.index.interfaces import Collection, Hit
from supportplane_runtime.rag.ingestion.ingest import ingest
from supportplane_runtime.rag.search import confidence, fusion
from supportplane_runtime.rag.search.confidence import Features, Found
from supportplane_runtime.rag.search.fusion import Search
from supportplane_runtime.rag.search.retriever import IndexRetriever

# Questions of each other folder, evenly spread over it.
FOREIGN: Final = 100
# The phrase share says little of scope: a single neighbouring pair in common is chance.
IN_SCOPE_FEATURES: Final = ("exchange", "keyword")


@dataclass(slots=True)
class Rows:
    """What the two models learn from."""

    confidence: list[Example] = field(default_factory=list)
    in_scope: list[Example] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m supportplane_cli.evaluation.fitting")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--agent", nargs=2, action="append", default=[], type=Path, metavar=("FILE", "QUESTIONS"))
    parser.add_argument("--part", type=Part, choices=list(Part))
    parser.add_argument("--seed", type=int, default=SEED)
    wanted = parser.parse_args(arguments)
    try:
        agents = [dataset.of_agent_file(file, questions) for file, questions in wanted.agent]
        fitted = asyncio.run(_fit(wanted.folders, agents, wanted.part, wanted.seed))
    except CommandFailed as failure:
        note(f"error: {failure.message}")
        return failure.exit_code
    except InvalidAgentFile as fault:
        note(f"error: {fault}")
        return WrongUsage.exit_code
    except InvalidRequest as fault:
        note(f"error: {fault.detail}")
        return WrongUsage.exit_code
    emit(fitted)
    return 0


async def _fit(folders: Sequence[Path], agents: Sequence[DataSet], part: Part | None, seed: int) -> dict[str, Any]:
    whole = [*(dataset.load(folder) for folder in folders if (folder / DOCUMENTS).is_file()), *agents]
    sets = [each.part(part, seed) for each in whole] if part else whole
    lenders = [folder for folder in folders if not (folder / DOCUMENTS).is_file()]
    lent = {each.name: each.questions for each in sets} | {each.name: dataset.questions_of(each) for each in lenders}
    if not sets:
        raise WrongUsage("Name at least one folder with documents and questions.")
    rows = Rows()
    with database() as url:
        async with opened(url) as parts:
            for each in sets:
                foreign = [question for name, rows in lent.items() if name != each.name for question in _spread(rows)]
                await _collect(each, foreign, parts, rows)
    return {
        "provenance": _provenance([each.name for each in sets], list(lent), rows),
        "models": {
            "confidence": _model(rows.confidence, [each.name for each in fields(Features)]),
            "in_scope": _model(rows.in_scope, IN_SCOPE_FEATURES),
        },
        "left_out": _left_out(rows.confidence),
    }


def _spread(questions: Sequence[Question]) -> Sequence[Question]:
    """Out-of-scope questions where there are any (they are about nothing in particular), without a conversation."""
    outside = [question for question in questions if question.out_of_scope and not question.history]
    alone = outside or [question for question in questions if not question.history]
    return alone[:: max(1, len(alone) // FOREIGN)]


async def _collect(folder: DataSet, foreign: Sequence[Question], parts: EvaluationParts, rows: Rows) -> None:
    collection = Collection("fit", folder.name, folder.language, folder.embedding)
    await ingest(collection, folder.read(), parts.ingestion, progress=lambda _: None)
    retriever = parts.clients.retriever_in(collection)
    for question in folder.questions:
        if question.is_measured:
            _learn(folder.name, question, await _find(retriever, question), rows)
    for question in foreign:
        found = await _find(retriever, question)
        rows.in_scope += _row(folder.name, found, is_positive=False)
    note(f"{folder.name}: {len(folder.questions)} questions, {len(foreign)} of others")


async def _find(retriever: IndexRetriever, question: Question) -> Found:
    return await retriever.find(question.question, messages(question))


def _learn(folder: str, question: Question, found: Found, rows: Rows) -> None:
    first = fusion.documents(found.ranked)[:1]
    is_right = question.is_answerable and metrics.hit(first, question.relevant_ids, 1)
    rows.confidence += _row(folder, found, is_positive=is_right)
    if question.is_answerable:
        rows.in_scope += _row(folder, found, is_positive=True)
        rows.in_scope += _row(folder, without(found, question.relevant_ids), is_positive=True)


def _row(folder: str, found: Found, *, is_positive: bool) -> list[Example]:
    if not found.ranked:
        return []
    features = confidence.features(found)
    return [Example(folder, asdict(features), is_positive)]


def without(found: Found, documents: Sequence[str]) -> Found:
    """What would have been found if these documents were not there: a near miss."""

    def left(hits: Sequence[Hit]) -> list[Hit]:
        return [hit for hit in hits if hit.chunk.document_id not in documents]

    searches: list[Search] = [
        replace(search, keyword=left(search.keyword), nearest=left(search.nearest)) for search in found.searches
    ]
    return replace(found, searches=searches, ranked=fusion.fuse(searches, found.rarities))


def _model(rows: Sequence[Example], names: Sequence[str]) -> dict[str, Any]:
    intercept, *coefficients = fits.coefficients(rows, names).round(3).tolist()
    return {"intercept": intercept, "weights": dict(zip(names, coefficients, strict=True))}


def _left_out(rows: Sequence[Example]) -> dict[str, Any]:
    """By folder: the confidence that a fit over the other folders gives, against what is right."""
    foretold = [(row, found) for row, found in zip(rows, fits.left_out(rows), strict=True) if found is not None]
    return {folder: _judged([pair for pair in foretold if pair[0].group == folder]) for folder in _groups(foretold)}


def _groups(foretold: Sequence[tuple[Example, float]]) -> list[str]:
    return list(dict.fromkeys(row.group for row, _ in foretold))


def _judged(foretold: Sequence[tuple[Example, float]]) -> dict[str, Any]:
    found, right = [each for _, each in foretold], [float(row.is_positive) for row, _ in foretold]
    return {
        "auroc": asdict(metrics.bootstrapped(metrics.auroc, found, right)),
        "ece": asdict(metrics.bootstrapped(metrics.calibration_error, found, right)),
    }


def _provenance(names: Sequence[str], lent: Sequence[str], rows: Rows) -> str:
    others = [name for name in lent if name not in names]
    return (
        f"python -m supportplane_cli.evaluation.fitting over {', '.join(names)}"
        f"{', with questions lent by ' + ', '.join(others) if others else ''}."
        f" confidence: is the first document relevant, {len(rows.confidence)} questions."
        f" in_scope: own questions, also without their documents, against those of others, {len(rows.in_scope)} rows."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
