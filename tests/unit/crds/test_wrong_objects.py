"""Every object of the table is refused by the loader, at its own line, with the sentence of the table."""

import io
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from manifests.wrong_objects import EDGES, WRONG_OBJECTS, WrongObject, full_sample
from supportplane_crds import InvalidAgentFile, parse_agent_file
from supportplane_crds.documents import render_path

HERE = Path("agent.yaml")


def as_text(documents: list[dict[str, object]]) -> str:
    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.allow_unicode = True
    writer.dump_all(documents, stream)
    return stream.getvalue()


def test_the_object_that_the_table_changes_is_valid_itself() -> None:
    assert parse_agent_file(as_text(full_sample()), HERE).agent.name == "retail-eu"


@pytest.mark.parametrize("wrong", WRONG_OBJECTS, ids=lambda wrong: wrong.title)
def test_a_wrong_object_is_refused_with_a_sentence_and_its_place(wrong: WrongObject) -> None:
    with pytest.raises(InvalidAgentFile) as refusal:
        parse_agent_file(as_text(wrong.documents()), HERE)
    places = [problem for problem in refusal.value.problems if wrong.says in str(problem)]
    assert places, f"expected {wrong.says!r} in:\n{refusal.value}"
    assert places[0].path.startswith(render_path(wrong.path[:-1]))
    assert places[0].line is not None
    assert places[0].document is not None
    assert places[0].document.startswith(wrong.kind)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.title)
def test_a_value_at_the_edge_is_taken(edge: WrongObject) -> None:
    assert parse_agent_file(as_text(edge.documents()), HERE).agent


def test_no_two_entries_of_the_table_are_the_same() -> None:
    titles = [wrong.title for wrong in WRONG_OBJECTS]
    assert len(titles) == len(set(titles)) >= 200
