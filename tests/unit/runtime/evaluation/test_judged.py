import json
from pathlib import Path
from typing import Any

import pytest

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation import metrics
from supportplane_runtime.evaluation.figures import Figure
from supportplane_runtime.evaluation.judged import JudgedAnswer, load, measure


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are test_metrics.py's business."""
    monkeypatch.setattr(metrics, "RESAMPLES", 20)


def answer(verdict: str | None, *, product: str = "shop", confidence: float = 0.8, **more: Any) -> JudgedAnswer:
    return JudgedAnswer.model_validate(
        {"product": product, "question": "How?", "confidence": confidence, "verdict": verdict, **more}
    )


def figures(*answers: JudgedAnswer, product: str = "shop") -> dict[str, Figure]:
    found = next(each for each in measure(answers) if each.name == product)
    return {figure.key: figure for figure in found.figures}


def value(found: dict[str, Figure], key: str) -> float | None:
    return found[key].estimate.value


def test_verdicts_are_shares_of_what_was_judged() -> None:
    verdicts = ("correct", "correct", "partly", "wrong", "ticket-unfair")
    found = figures(*map(answer, verdicts), answer(None))
    assert [value(found, key) for key in ("correct", "partly", "wrong", "ticket_fair", "ticket_unfair")] == [
        0.4, 0.2, 0.2, 0.0, 0.2,
    ]  # fmt: skip


def test_each_product_has_figures_of_its_own_and_says_what_is_not_judged_yet() -> None:
    shop, bank = measure([answer("correct"), answer("wrong", product="bank"), answer(None, product="bank")])
    assert (shop.name, bank.name) == ("shop", "bank")
    assert bank.facts == {"judged": 1, "answers": 1, "without_a_verdict": 1}


def test_the_needless_part_is_a_mean_over_those_that_say_it() -> None:
    assert value(
        figures(answer("correct", needless=0.5), answer("partly", needless=0.1), answer("wrong")), "needless"
    ) == (pytest.approx(0.3))


def test_the_confidence_is_good_when_correct_answers_have_more_of_it_than_others() -> None:
    rows = [answer("correct", confidence=0.9), answer("partly", confidence=0.6), answer("wrong", confidence=0.95)]
    assert value(figures(*rows), "auroc") == 0.5
    assert value(figures(*rows[:2]), "auroc") == 1.0


def test_tickets_say_nothing_of_the_confidence_of_answers() -> None:
    rows = [answer("correct", confidence=0.9), answer("wrong", confidence=0.6)]
    with_ticket = figures(*rows, answer("ticket-unfair", confidence=0.99))
    assert value(with_ticket, "auroc") == 1.0
    assert with_ticket["ece"].estimate.count == 2


def test_an_error_of_calibration_stands_beside_what_chance_alone_shows() -> None:
    rows = [answer("correct", confidence=0.9)] * 18 + [answer("wrong", confidence=0.9)] * 2
    found = figures(*rows)
    assert 0 < (value(found, "ece_perfect") or 0) < 0.2
    assert figures(*[answer("wrong", confidence=0.9)] * 20)["ece"].estimate.value == pytest.approx(0.9)


def test_reliability_has_five_bins_by_rising_confidence() -> None:
    rows = [answer("wrong" if n < 5 else "correct", confidence=n / 10) for n in range(10)]
    found = figures(*rows)
    assert found["reliability_1"].name == "confidence 0.00 to 0.10, on average 0.05"
    assert [value(found, f"reliability_{n}") for n in range(1, 6)] == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_a_fit_is_tested_on_the_product_that_it_did_not_see() -> None:
    def rows(product: str, sign: int) -> list[JudgedAnswer]:
        return [
            answer("correct" if n > 4 else "wrong", product=product, features={"nearness": sign * n / 10})
            for n in range(10)
        ]

    alike = [*rows("shop", 1), *rows("bank", 1)]
    assert value(figures(*alike), "left_out_auroc") == 1.0
    assert value(figures(*rows("shop", 1), *rows("bank", -1)), "left_out_auroc") == 0.0
    assert value(figures(*rows("shop", 1)), "left_out_auroc") is None


def write(path: Path, *answers: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in answers))
    return path


ROW = {"product": "shop", "question": "How?", "confidence": 0.7, "verdict": "correct", "page": "guide/keys.md"}


def test_rows_are_read_with_and_without_a_verdict(tmp_path: Path) -> None:
    assert len(load(write(tmp_path / "a.jsonl", ROW, {**ROW, "verdict": None}))) == 2


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({**ROW, "verdict": "good"}, "verdict"),
        ({**ROW, "confidence": 70}, "confidence"),
        ({**ROW, "answer": "Press the button."}, "answer"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, row: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"a\.jsonl:1: {where}"):
        load(write(tmp_path / "a.jsonl", row))


def test_a_file_that_nobody_judged_yet_is_an_error_that_names_the_verdicts(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="correct, partly, wrong, ticket-fair, ticket-unfair"):
        load(write(tmp_path / "a.jsonl", {**ROW, "verdict": None}))
