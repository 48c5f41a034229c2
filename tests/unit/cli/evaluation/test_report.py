import json

import pytest

from supportplane_cli.evaluation.report import show
from supportplane_runtime.evaluation import metrics
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
