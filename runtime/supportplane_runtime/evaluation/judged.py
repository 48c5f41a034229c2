"""Answers that a reader judged: how many are right for each product, and whether the confidence tells which; pure.

The rows hold features and verdicts and no text of a document, so that they can be shared and a fit repeated. The rules
of judging are in docs/reference/judged-answers.md. Called by the command line; transcript.py makes the rows.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation import fits, metrics
from supportplane_runtime.evaluation.figures import Better, Figure, Kind, MeasuredSet
from supportplane_runtime.evaluation.fits import Example
from supportplane_runtime.evaluation.metrics import Estimate, Floats
from supportplane_runtime.evaluation.rows import fingerprint, rows

# Of the confidence: a product has some hundred judged answers at most, so ten bins would hold a handful each.
BINS: Final = 5


class Verdict(StrEnum):
    CORRECT = "correct"
    PARTLY = "partly"
    WRONG = "wrong"
    TICKET_FAIR = "ticket-fair"
    TICKET_UNFAIR = "ticket-unfair"

    @property
    def is_of_answer(self) -> bool:
        return self in {Verdict.CORRECT, Verdict.PARTLY, Verdict.WRONG}


class JudgedAnswer(BaseModel):
    """A row; another key is refused, because it could hold text. verdict: None as long as nobody judged.

    page: the document that the answer cites first, or None. needless: the share of the answer that nobody asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    product: str = Field(min_length=1)
    id: str = ""
    question: str = Field(min_length=1)
    page: str | None = None
    outcome: Outcome | None = None
    confidence: float = Field(ge=0, le=1)
    features: dict[str, float] = Field(default_factory=dict)
    verdict: Verdict | None = None
    needless: float | None = Field(default=None, ge=0, le=1)

    @property
    def is_correct(self) -> bool:
        return self.verdict is Verdict.CORRECT


def load(path: Path) -> tuple[JudgedAnswer, ...]:
    """Raises InvalidRequest for a file without a verdict or with a line that cannot be used."""
    found = tuple(rows(path, JudgedAnswer))
    if all(row.verdict is None for row in found):
        words = ", ".join(Verdict)
        raise InvalidRequest(f"{path} has no judged answer. Set the verdict of its rows to one of {words}.")
    return found


def measure(answers: Sequence[JudgedAnswer]) -> list[MeasuredSet]:
    """A set for each product, in the order of the rows."""
    answered = [row for row in answers if row.verdict is not None and row.verdict.is_of_answer]
    foretold = fits.left_out([Example(row.product, row.features, row.is_correct) for row in answered])
    pairs = [(row, found) for row, found in zip(answered, foretold, strict=True) if found is not None]
    products = dict.fromkeys(row.product for row in answers if row.verdict is not None)
    return [
        _product(
            name, [row for row in answers if row.product == name], [pair for pair in pairs if pair[0].product == name]
        )
        for name in products
    ]


def _product(
    name: str, all_rows: Sequence[JudgedAnswer], left_out: Sequence[tuple[JudgedAnswer, float]]
) -> MeasuredSet:
    """left_out: of the answers with features, the probability by a fit over the other products."""
    judged = [row for row in all_rows if row.verdict is not None]
    answered = [row for row in judged if row.verdict and row.verdict.is_of_answer]
    figures = [
        *_verdicts(judged),
        *_confidence("", "confidence", answered, [row.confidence for row in answered]),
        *_confidence(
            "left_out_", "fitted on the other products", [row for row, _ in left_out], [found for _, found in left_out]
        ),
        *_reliability(answered),
    ]
    facts = {"judged": len(judged), "answers": len(answered), "without_a_verdict": len(all_rows) - len(judged)}
    contents = fingerprint(text for row in judged for text in (row.product, row.id, row.question))
    return MeasuredSet(Kind.JUDGED, name, contents, figures, facts)


def _verdicts(judged: Sequence[JudgedAnswer]) -> Iterator[Figure]:
    better = {Verdict.CORRECT: Better.HIGHER, Verdict.WRONG: Better.LOWER, Verdict.TICKET_UNFAIR: Better.LOWER}
    for verdict in Verdict:
        yield Figure(
            "verdicts",
            verdict.replace("-", "_"),
            verdict.replace("-", ", "),
            metrics.share([row.verdict is verdict for row in judged]),
            better=better.get(verdict),
            column=verdict,
        )
    needless = [row.needless for row in judged if row.needless is not None]
    estimate = metrics.bootstrapped(metrics.mean, needless)
    yield Figure("verdicts", "needless", "needless part of an answer", estimate, better=Better.LOWER, column="needless")


def _confidence(
    prefix: str, name: str, answered: Sequence[JudgedAnswer], confidence: Sequence[float]
) -> Iterator[Figure]:
    """How well a confidence tells correct answers from others, and how true it is as a number."""
    right = [float(row.is_correct) for row in answered]
    error = partial(metrics.calibration_error, bins=BINS)
    for key, measure_name, estimate, better in (
        ("auroc", "AUROC", metrics.bootstrapped(metrics.auroc, confidence, right), Better.HIGHER),
        ("ece", "ECE", metrics.bootstrapped(error, confidence, right), Better.LOWER),
        ("ece_perfect", "ECE if it were perfect", metrics.perfect_calibration_error(confidence, BINS), None),
    ):
        column = f"{measure_name}{', left out' if prefix else ''}" if better else ""
        yield Figure(
            "correct, by the confidence", f"{prefix}{key}", f"{measure_name}, {name}", estimate, better=better,
            column=column,
        )  # fmt: skip


def _reliability(answered: Sequence[JudgedAnswer]) -> Iterator[Figure]:
    """What share is correct in each fifth of the answers, by rising confidence."""
    confidence: Floats = np.array([row.confidence for row in answered], np.float64)
    parts = metrics.equal_bins(confidence, BINS) if answered else []
    for number, part in enumerate(parts, start=1):
        low, mean, high = confidence[part].min(), confidence[part].mean(), confidence[part].max()
        name = f"confidence {low:.2f} to {high:.2f}, on average {mean:.2f}"
        estimate: Estimate = metrics.share([answered[row].is_correct for row in part])
        yield Figure("reliability: correct", f"reliability_{number}", name, estimate)
