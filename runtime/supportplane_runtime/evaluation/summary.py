"""Observations to figures, each with its count and interval; pure, called by the command line.

Rows without relevant documents that are not out of scope count for routing only. A question that the agent did not look
up (it took it for small talk, or asked back) has no ranking and so counts as missed.
"""

from collections.abc import Callable, Sequence

import numpy as np

from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.evaluation import metrics
from supportplane_runtime.evaluation.asking import Observation
from supportplane_runtime.evaluation.figures import Better, Figure
from supportplane_runtime.evaluation.metrics import Estimate
from supportplane_runtime.languages import language
from supportplane_runtime.rag.words.lexemes import sequence


def figures(observations: Sequence[Observation]) -> list[Figure]:
    answerable = [each for each in observations if each.question.is_answerable]
    measured = [each for each in observations if each.question.is_measured]
    return [
        *_retrieval(answerable),
        *_refusal(measured),
        *_calibration(measured),
        *_answers(measured),
        *_routing(observations),
        *_speed(observations),
    ]


def _retrieval(rows: Sequence[Observation]) -> list[Figure]:
    rankings: dict[str, tuple[str, Better | None, Callable[[Observation], Sequence[str]]]] = {
        "": ("agent", Better.HIGHER, lambda row: row.ranking),
        "bm25_": ("BM25 of the question", None, lambda row: row.baseline),
        "bm25_last_": ("BM25 with the message before", None, lambda row: row.baseline_with_last),
    }
    return [
        Figure(
            "retrieval",
            f"{prefix}{key}",
            f"{measure}, {name}",
            estimate(rows, ranking, k),
            better=better,
            column=measure if not prefix else "",
        )
        for prefix, (name, better, ranking) in rankings.items()
        for key, measure, estimate, k in (
            ("hit_at_1", "hit@1", _hits, 1),
            ("hit_at_5", "hit@5", _hits, 5),
            ("recall_at_5", "recall@5", _recall, 5),
        )
    ]


def _hits(rows: Sequence[Observation], ranking: Callable[[Observation], Sequence[str]], k: int) -> Estimate:
    return metrics.share([metrics.hit(ranking(row), row.question.relevant_ids, k) for row in rows])


def _recall(rows: Sequence[Observation], ranking: Callable[[Observation], Sequence[str]], k: int) -> Estimate:
    return metrics.bootstrapped(
        metrics.mean, [metrics.recall(ranking(row), row.question.relevant_ids, k) for row in rows]
    )


def _refusal(rows: Sequence[Observation]) -> list[Figure]:
    confidence = [row.confidence for row in rows]
    may = [float(row.question.is_answerable) for row in rows]
    estimates = (NO_NEGATIVES, NO_NEGATIVES)
    if not all(may):
        estimates = (
            metrics.bootstrapped(metrics.auroc, confidence, may),
            metrics.bootstrapped(metrics.coverage_at_precision, confidence, may),
        )
    return [
        Figure(
            "refusal",
            "out_of_scope_auroc",
            "out of scope, AUROC of the confidence",
            estimates[0],
            better=Better.HIGHER,
            column="AUROC, scope",
        ),
        Figure("refusal", "coverage_at_95", "coverage at 95 % precision", estimates[1], better=Better.HIGHER),
        Figure(
            "refusal",
            "answered",
            "answerable questions answered",
            metrics.share([_answered(row) for row in rows if row.question.is_answerable]),
            better=Better.HIGHER,
            column="answered",
        ),
        Figure(
            "refusal",
            "out_of_scope_answered",
            "out-of-scope questions answered (wrongly)",
            metrics.share([_answered(row) for row in rows if row.question.out_of_scope]),
            better=Better.LOWER,
            column="out of scope answered",
        ),
    ]


NO_NEGATIVES = metrics.NOTHING


def _answered(row: Observation) -> bool:
    return row.answer.outcome is Outcome.ANSWERED


def _first_is_relevant(row: Observation) -> bool:
    return row.question.is_answerable and metrics.hit(row.ranking, row.question.relevant_ids, 1)


def _calibration(rows: Sequence[Observation]) -> list[Figure]:
    confidence = np.array([row.confidence for row in rows])
    right = np.array([float(_first_is_relevant(row)) for row in rows])
    enough = len(rows) >= metrics.BINS and 0 < right.sum() < len(rows)
    folds = metrics.refitted(confidence, right) if enough else confidence
    return [
        Figure(
            "calibration",
            "confidence_auroc",
            "first document is relevant, AUROC of the confidence",
            metrics.bootstrapped(metrics.auroc, list(confidence), list(right)),
            better=Better.HIGHER,
            column="AUROC, right",
        ),
        Figure(
            "calibration",
            "ece",
            "ECE of the confidence as shipped",
            metrics.bootstrapped(metrics.calibration_error, list(confidence), list(right)),
            better=Better.LOWER,
            column="ECE",
        ),
        Figure(
            "calibration",
            "ece_five_folds",
            "ECE, recalibrated on four folds, measured on the fifth",
            metrics.bootstrapped(metrics.calibration_error, list(folds), list(right)) if enough else metrics.NOTHING,
            better=Better.LOWER,
        ),
    ]


def _answers(rows: Sequence[Observation]) -> list[Figure]:
    answered = [row for row in rows if _answered(row)]
    right = [row for row in answered if row.question.is_answerable]
    referred = [row for row in right if row.question.reference_answer]
    spans = [source.document_id in row.question.relevant_ids for row in right for source in row.answer.sources]
    return [
        Figure(
            "answers",
            "span_precision",
            "cited spans from a relevant document",
            metrics.share(spans),
            better=Better.HIGHER,
        ),
        Figure(
            "answers",
            "token_recall",
            "words of the reference answer that are said",
            metrics.bootstrapped(metrics.mean, [_token_recall(row) for row in referred]),
            better=Better.HIGHER,
        ),
        Figure(
            "answers",
            "model_share",
            "sentences that the model wrote",
            metrics.bootstrapped(metrics.mean, [row.answer.model_share for row in answered]),
        ),
        Figure(
            "answers",
            "wrong",
            "answers whose first citation is not relevant",
            metrics.share([not _cites_relevant_first(row) for row in answered]),
            better=Better.LOWER,
            column="first citation wrong",
        ),
    ]


def _cites_relevant_first(row: Observation) -> bool:
    return bool(row.answer.sources) and row.answer.sources[0].document_id in row.question.relevant_ids


def _token_recall(row: Observation) -> float:
    known = language(row.answer.language)
    wanted = set(sequence(row.question.reference_answer or "", known))
    said = set(sequence(row.answer.response, known))
    return len(wanted & said) / len(wanted) if wanted else 1.0


def _routing(rows: Sequence[Observation]) -> list[Figure]:
    asked_back = {id(row): row.answer.outcome is Outcome.ASKED_BACK for row in rows}
    vague = [row for row in rows if row.question.is_underspecified]
    clear = [row for row in rows if row.question.is_answerable]
    elsewhere = [row for row in rows if row.question.needs_kb is False]
    return [
        Figure(
            "routing",
            "asked_back",
            "underspecified questions asked back",
            metrics.share([asked_back[id(row)] for row in vague]),
            better=Better.HIGHER,
        ),
        Figure(
            "routing",
            "asked_back_wrongly",
            "answerable questions asked back (wrongly)",
            metrics.share([asked_back[id(row)] for row in clear]),
            better=Better.LOWER,
        ),
        Figure(
            "routing",
            "left_to_others",
            "questions that need no document, not answered from one",
            metrics.share([not _answered(row) for row in elsewhere]),
            better=Better.HIGHER,
        ),
    ]


def _speed(rows: Sequence[Observation]) -> list[Figure]:
    first = [row.first_token_s for row in rows if row.first_token_s is not None]
    whole = [row.answer_s for row in rows]
    return [
        Figure(
            "speed", "first_token_p95_s", "first token, p95", metrics.bootstrapped(metrics.percentile_95, first), "s"
        ),
        Figure("speed", "answer_p95_s", "whole answer, p95", metrics.bootstrapped(metrics.percentile_95, whole), "s"),
    ]
