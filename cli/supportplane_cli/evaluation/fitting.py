"""Fits the coefficients of rag/search/confidence.json: ``python -m supportplane_cli.evaluation.fitting FOLDER ...``.

``--judged FILE`` names answers that readers judged, such as those of tests/judged: "confidence" learns of them whether
an answer is correct, and "left_out" judges it on each product by a fit over the others. It is to be read;
confidence.json does without. "in_scope" learns to tell a folder's own questions, also with their documents taken away,
from those of the other folders. A folder without kb.jsonl only lends its out-of-scope questions to the others.

``--part tuning`` fits on a half of the questions, so that ``supportplane eval --part kept`` can test on the other.
``--agent FILE QUESTIONS`` adds the documents of an agent file with questions about them, such as those of tests/judged.

For whoever changes the ranking or the embedding, then the features move. Both are logistic regressions in which each
product, or each folder, weighs the same.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from supportplane_cli.console import emit, note
from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.evaluation.parts import EvaluationParts, database, opened
from supportplane_crds.errors import InvalidAgentFile
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation import dataset, fits, judged, metrics
from supportplane_runtime.evaluation.asking import messages
from supportplane_runtime.evaluation.dataset import DOCUMENTS, SEED, DataSet, Part, Question
from supportplane_runtime.evaluation.fits import Example
from supportplane_runtime.rag.index.interfaces import Collection, Hit
from supportplane_runtime.rag.ingestion.ingest import ingest
from supportplane_runtime.rag.search import confidence, fusion
from supportplane_runtime.rag.search.confidence import Found
from supportplane_runtime.rag.search.fusion import Search
from supportplane_runtime.rag.search.retriever import IndexRetriever

# Questions of each other folder, evenly spread over it.
FOREIGN: Final = 100
CONFIDENCE_FEATURES: Final = ("similarity", "keyword", "lead")
IN_SCOPE_FEATURES: Final = ("exchange", "keyword")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m supportplane_cli.evaluation.fitting")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--judged", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--agent", nargs=2, action="append", default=[], type=Path, metavar=("FILE", "QUESTIONS"))
    parser.add_argument("--part", type=Part, choices=list(Part))
    parser.add_argument("--seed", type=int, default=SEED)
    wanted = parser.parse_args(arguments)
    try:
        agents = [dataset.of_agent_file(file, questions) for file, questions in wanted.agent]
        fitted = _of_judged([row for path in wanted.judged for row in judged.load(path)])
        if wanted.folders or agents:
            fitted |= asyncio.run(_of_sets(wanted.folders, agents, wanted.part, wanted.seed))
        if not fitted:
            raise WrongUsage("Name judged answers with --judged, or a folder with documents and questions.")
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


def _of_judged(answers: Sequence[judged.JudgedAnswer]) -> dict[str, Any]:
    """Correct or not, of the answers; what is out of scope and answered is not. Nothing of nothing."""
    rows = [
        Example(row.product, {name: row.features[name] for name in CONFIDENCE_FEATURES}, row.is_correct)
        for row in answers
        if row.verdict is not None and row.verdict.is_of_answer and row.features
    ]
    if not rows:
        return {}
    products = ", ".join(dict.fromkeys(row.group for row in rows))
    return {
        "confidence": _model(rows, CONFIDENCE_FEATURES)
        | {"provenance": f"is a judged answer correct, {len(rows)} answers of {products}"},
        "left_out": _left_out(rows),
    }


async def _of_sets(folders: Sequence[Path], agents: Sequence[DataSet], part: Part | None, seed: int) -> dict[str, Any]:
    whole = [*(dataset.load(folder) for folder in folders if (folder / DOCUMENTS).is_file()), *agents]
    sets = [each.part(part, seed) for each in whole] if part else whole
    lenders = [folder for folder in folders if not (folder / DOCUMENTS).is_file()]
    lent = {each.name: each.questions for each in sets} | {each.name: dataset.questions_of(each) for each in lenders}
    if not sets:
        raise WrongUsage("Name at least one folder with documents and questions.")
    rows: list[Example] = []
    with database() as url:
        async with opened(url) as parts:
            for each in sets:
                foreign = [question for name, asked in lent.items() if name != each.name for question in _spread(asked)]
                rows += await _collected(each, foreign, parts)
    return {
        "in_scope": _model(rows, IN_SCOPE_FEATURES)
        | {
            "provenance": "own questions, also without their documents, against those of others,"
            f" {len(rows)} rows of {', '.join(lent)}"
        }
    }


def _spread(questions: Sequence[Question]) -> Sequence[Question]:
    """Out-of-scope questions where there are any (they are about nothing in particular), without a conversation."""
    outside = [question for question in questions if question.out_of_scope and not question.history]
    alone = outside or [question for question in questions if not question.history]
    return alone[:: max(1, len(alone) // FOREIGN)]


async def _collected(folder: DataSet, foreign: Sequence[Question], parts: EvaluationParts) -> list[Example]:
    collection = Collection("fit", folder.name, folder.language, folder.embedding)
    await ingest(collection, folder.read(), parts.ingestion, progress=lambda _: None)
    retriever = parts.clients.retriever_in(collection)
    rows: list[Example] = []
    for question in folder.questions:
        if question.is_answerable:
            found = await _find(retriever, question)
            rows += _row(folder.name, found, is_positive=True)
            rows += _row(folder.name, without(found, question.relevant_ids), is_positive=True)
    for question in foreign:
        rows += _row(folder.name, await _find(retriever, question), is_positive=False)
    note(f"{folder.name}: {len(folder.questions)} questions, {len(foreign)} of others")
    return rows


async def _find(retriever: IndexRetriever, question: Question) -> Found:
    return await retriever.find(question.question, messages(question))


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
