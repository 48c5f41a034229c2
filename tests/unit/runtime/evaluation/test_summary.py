from typing import Any

import pytest

from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.evaluation import metrics
from supportplane_runtime.evaluation.asking import Observation
from supportplane_runtime.evaluation.dataset import Question
from supportplane_runtime.evaluation.metrics import Estimate
from supportplane_runtime.evaluation.summary import figures


def observed(
    question: dict[str, Any], *, ranking: str = "", outcome: Outcome = Outcome.ANSWERED, **more: Any
) -> Observation:
    cited = [Source(1, document, "c", "", "", "quote", 0.5) for document in more.pop("cited", ranking[:1])]
    answer = Answer(more.pop("response", "The answer."), outcome, 0.5, tuple(cited))
    defaults: dict[str, Any] = {
        "confidence": 0.5, "baseline": (), "baseline_with_last": (), "first_token_s": 0.1, "answer_s": 0.2,
    }  # fmt: skip
    return Observation(Question(id="1", **question), answer, tuple(ranking), **{**defaults, **more})


def value(observations: list[Observation], key: str) -> Estimate:
    return next(figure.estimate for figure in figures(observations) if figure.key == key)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are test_metrics.py's business."""
    monkeypatch.setattr(metrics, "RESAMPLES", 10)


ABOUT_A = {"question": "A?", "relevant_ids": ["a"]}
OUTSIDE = {"question": "Weather?", "out_of_scope": True}


def test_hits_are_counted_over_answerable_questions_only() -> None:
    rows = [
        observed(ABOUT_A, ranking="ab"),
        observed(ABOUT_A, ranking="ba"),
        observed(ABOUT_A, ranking="", outcome=Outcome.ASKED_BACK),
        observed(OUTSIDE, ranking="a"),
    ]
    assert value(rows, "hit_at_1").value == pytest.approx(1 / 3)
    assert value(rows, "hit_at_1").count == 3
    assert value(rows, "hit_at_5").value == pytest.approx(2 / 3)


def test_the_baselines_are_measured_on_the_same_rows() -> None:
    rows = [observed(ABOUT_A, ranking="b", baseline=("a",), baseline_with_last=("b", "a"))]
    assert value(rows, "bm25_hit_at_1").value == 1.0
    assert value(rows, "bm25_last_hit_at_1").value == 0.0
    assert value(rows, "bm25_last_hit_at_5").value == 1.0


def test_refusal_compares_answerable_and_outside_questions() -> None:
    rows = [
        observed(ABOUT_A, ranking="a", confidence=0.9),
        observed(OUTSIDE, ranking="a", confidence=0.2, outcome=Outcome.DECLINED),
        observed(OUTSIDE, ranking="a", confidence=0.95),
    ]
    assert value(rows, "out_of_scope_auroc").value == 0.5
    assert value(rows, "answered").value == 1.0
    assert value(rows, "out_of_scope_answered").value == 0.5


def test_without_questions_from_outside_there_is_no_refusal_to_measure() -> None:
    assert value([observed(ABOUT_A, ranking="a")], "out_of_scope_auroc").value is None


def test_an_answer_to_a_question_from_outside_is_a_wrong_answer() -> None:
    rows = [observed(ABOUT_A, ranking="a"), observed(OUTSIDE, ranking="a"), observed(ABOUT_A, ranking="b")]
    assert value(rows, "wrong").value == pytest.approx(2 / 3)


def test_cited_spans_count_one_by_one() -> None:
    rows = [observed(ABOUT_A, ranking="a", cited="aab")]
    assert value(rows, "span_precision").value == pytest.approx(2 / 3)
    assert value(rows, "span_precision").count == 3


def test_the_reference_answers_words_are_compared_by_their_stems() -> None:
    question = {**ABOUT_A, "reference_answer": "Rotate the keys daily"}
    rows = [observed(question, ranking="a", response="A key is rotated. [1]")]
    assert value(rows, "token_recall").value == pytest.approx(2 / 3)


def test_asking_back_is_measured_on_underspecified_and_on_clear_questions() -> None:
    rows = [
        observed({"question": "It?", "answerability": "UNDERSPECIFIED"}, outcome=Outcome.ASKED_BACK),
        observed({"question": "It?", "answerability": "UNDERSPECIFIED"}),
        observed(ABOUT_A, outcome=Outcome.ASKED_BACK),
    ]
    assert value(rows, "asked_back").value == 0.5
    assert value(rows, "asked_back_wrongly").value == 1.0


def test_questions_for_other_systems_should_not_be_answered_from_documents() -> None:
    rows = [observed({"question": "Book it.", "needs_kb": False}, outcome=Outcome.HANDED_OFF)]
    assert value(rows, "left_to_others").value == 1.0
    assert value(rows, "hit_at_1").value is None
