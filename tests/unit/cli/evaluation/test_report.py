import json

import pytest

from supportplane_cli.evaluation import report
from supportplane_cli.evaluation.report import Shown
from supportplane_runtime.evaluation import metrics
from supportplane_runtime.evaluation.comparison import compare
from supportplane_runtime.evaluation.document import Run
from supportplane_runtime.evaluation.figures import Better, Figure, Kind, MeasuredSet


def measured(name: str, marks: str) -> MeasuredSet:
    """marks: a + for each question whose first document is relevant, a - for each other."""
    figures = [
        Figure(
            "retrieval",
            "hit_at_1",
            "hit@1, agent",
            metrics.share([mark == "+" for mark in marks]),
            better=Better.HIGHER,
            column="hit@1",
        ),
        Figure("refusal", "answered", "answered", metrics.share([]), column="answered"),
    ]
    return MeasuredSet(Kind.DATA, name, f"contents of {name}", figures, {"out_of_scope": 3})


def show(measured: list[MeasuredSet], before: MeasuredSet | None = None, *, as_json: bool) -> None:
    shown = [Shown(each, compare(each, before) if before else []) for each in measured]
    report.show(shown, Run.of(measured, supportplane="9.9", measured_at="2026-11-29T00:00:00+00:00"), as_json=as_json)


def test_a_set_is_shown_with_its_counts_and_figures(capsys: pytest.CaptureFixture[str]) -> None:
    show([measured("shop", "+-")], as_json=False)
    output = capsys.readouterr().out
    assert "shop: 3 out of scope" in output
    assert "hit@1, agent   0.500   0.095 - 0.905   2" in output
    assert "mean" not in output


def test_several_sets_have_a_row_each_and_one_for_the_mean(capsys: pytest.CaptureFixture[str]) -> None:
    show([measured("shop", "+-"), measured("bank", "+++")], as_json=False)
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert rows[-3:] == [["shop", "0.500", "-"], ["bank", "1.000", "-"], ["mean", "0.750", "-"]]


def test_the_json_document_holds_its_version_every_figure_and_the_means(capsys: pytest.CaptureFixture[str]) -> None:
    show([measured("shop", "+-"), measured("bank", "++")], as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1
    shop = found["sets"][0]
    assert (shop["kind"], shop["name"], shop["contents"]) == ("data", "shop", "contents of shop")
    assert shop["figures"][0]["value"] == 0.5
    assert shop["figures"][0]["better"] == "higher"
    assert shop["figures"][1]["value"] is None
    assert found["means"] == [{"kind": "data", "key": "hit_at_1", "value": 0.75, "sets": 2}]


def test_what_got_worse_is_marked_beside_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    show([measured("shop", "-" * 20)], measured("shop", "+" * 20), as_json=False)
    row = next(line for line in capsys.readouterr().out.splitlines() if "hit@1" in line)
    assert row.split()[-3:] == ["20", "1.000", "worse"]


def test_the_json_document_tells_what_a_figure_was_and_how_it_changed(capsys: pytest.CaptureFixture[str]) -> None:
    show([measured("shop", "+-")], measured("shop", "++"), as_json=True)
    hit, answered = json.loads(capsys.readouterr().out)["sets"][0]["figures"]
    assert (hit["before"], hit["change"]) == (1.0, "about the same")
    assert "change" not in answered
