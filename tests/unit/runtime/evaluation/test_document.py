import re

import pytest

from support.repository import REPOSITORY
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation.document import Run, parse
from supportplane_runtime.evaluation.figures import Better, Figure, Kind, MeasuredSet
from supportplane_runtime.evaluation.metrics import Estimate

PAGE = (REPOSITORY / "docs/reference/evaluation.md").read_text()


def run(*names: str, value: float = 0.5) -> Run:
    figure = Figure("retrieval", "hit_at_1", "hit@1", Estimate(value, 0.1, 0.9, 2), better=Better.HIGHER)
    sets = [MeasuredSet(Kind.DATA, name, "rows", [figure], {"questions": 2}) for name in names]
    return Run.of(sets, supportplane="9.9", measured_at="2026-11-29T00:00:00+00:00")


def test_a_document_is_read_back_as_it_was_written() -> None:
    written = run("shop", "bank")
    assert parse(written.model_dump_json(by_alias=True), "figures.json") == written


def test_a_newer_field_is_no_reason_to_refuse_a_document() -> None:
    text = run("shop").model_dump_json(by_alias=True).replace('"group"', '"colour": "red", "group"')
    assert parse(text, "figures.json") == run("shop")


def test_another_version_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"figures\.json holds figures in the format 7"):
        parse('{"schema": 7}', "figures.json")


def test_a_run_replaces_the_sets_that_it_measured_and_keeps_the_others() -> None:
    found = run("shop", value=0.75).over(run("shop", "bank"))
    assert [each.name for each in found.sets] == ["shop", "bank"]
    assert found.sets[0].figures[0].value == 0.75


def test_every_field_of_the_document_is_on_its_page() -> None:
    section = PAGE[PAGE.index("## JSON document of an evaluation") :]
    named = set(re.findall(r"\w+", section))
    fields = set(run("shop").model_dump(by_alias=True))
    fields |= {key for row in run("shop").model_dump()["sets"] for key in (*row, *row["figures"][0])}
    assert fields - named == set()
