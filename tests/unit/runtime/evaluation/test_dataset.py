import json
from pathlib import Path
from typing import Any

import pytest

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation.dataset import DataSet, Part, load, of_agent_file


def folder(path: Path, *questions: dict[str, Any] | str, documents: bool = True) -> Path:
    if documents:
        (path / "kb.jsonl").write_text('{"id": "a", "text": "A."}\n')
    lines = (row if isinstance(row, str) else json.dumps(row) for row in questions)
    (path / "questions.dev.jsonl").write_text("\n".join(lines) + "\n")
    return path


def test_rows_are_read_and_other_keys_ignored(tmp_path: Path) -> None:
    row = {
        "id": "1",
        "question": "And then?",
        "relevant_ids": ["a"],
        "out_of_scope": False,
        "history": [{"role": "user", "content": "First?"}],
        "domain": "x",
    }
    (question,) = load(folder(tmp_path, row)).questions
    assert question.is_answerable
    assert question.history[0].content == "First?"


def test_nulls_numbers_and_other_speakers_are_fine(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "question": "And then?",
        "relevant_ids": None,
        "reference_answer": None,
        "history": [{"role": "agent", "content": "Hello."}],
    }
    (question,) = load(folder(tmp_path, row)).questions
    assert (question.id, question.relevant_ids) == ("7", ())
    assert not question.history[0].is_users


def test_rows_of_every_questions_file_are_read(tmp_path: Path) -> None:
    folder(tmp_path, {"id": "1", "question": "A?"})
    (tmp_path / "questions.more.jsonl").write_text('{"id": "2", "question": "B?"}\n')
    assert [question.id for question in load(tmp_path).questions] == ["1", "2"]


def test_what_has_neither_documents_nor_a_verdict_is_not_measured(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "1", "question": "What?", "answerability": "UNDERSPECIFIED"},
        {"id": "2", "question": "Weather?", "out_of_scope": True},
        {"id": "3", "question": "Keys?", "relevant_ids": ["a"]},
    ]
    found = load(folder(tmp_path, *rows)).questions
    assert [question.is_measured for question in found] == [False, True, True]
    assert found[0].is_underspecified


def test_a_folder_without_documents_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"has no kb\.jsonl, so there is nothing to retrieve from"):
        load(folder(tmp_path, {"id": "1", "question": "A?"}, documents=False))


def test_a_folder_without_questions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="has no questions"):
        load(folder(tmp_path))


def test_a_path_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="is not a folder"):
        load(tmp_path / "missing")


@pytest.mark.parametrize(
    ("line", "where"),
    [('{"id": "1"}', "question"), ("{broken", "the line"), ('{"id": "1", "question": ["A"]}', "question")],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, where: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"questions\.dev\.jsonl:2: {where}"):
        load(folder(tmp_path, {"id": "0", "question": "A?"}, line))


def test_the_halves_hold_every_question_once_and_are_the_same_each_time(tmp_path: Path) -> None:
    data = load(folder(tmp_path, *({"id": str(n), "question": f"{n}?"} for n in range(200))))
    tuning, kept = (data.part(part, 7) for part in (Part.TUNING, Part.KEPT))
    assert sorted([*tuning.questions, *kept.questions], key=str) == sorted(data.questions, key=str)
    assert 70 < len(kept.questions) < 130
    assert data.part(Part.KEPT, 7) == kept
    assert data.part(Part.KEPT, 8).questions != kept.questions
    assert (kept.name, kept.product) == (f"{data.name}/kept-7", data.product)


def test_a_new_question_moves_no_other_into_another_half(tmp_path: Path) -> None:
    rows = [{"id": str(n), "question": f"{n}?"} for n in range(20)]
    before = load(folder(tmp_path, *rows)).part(Part.KEPT, 7).questions
    after = load(folder(tmp_path, {"id": "new", "question": "New?"}, *rows)).part(Part.KEPT, 7).questions
    assert set(before) <= set(after)


def test_a_half_without_a_question_is_an_error(tmp_path: Path) -> None:
    data = load(folder(tmp_path, {"id": "1", "question": "A?"}))
    halves = [part for part in Part if _is_empty(data, part)]
    assert len(halves) == 1


def _is_empty(data: DataSet, part: Part) -> bool:
    try:
        data.part(part, 7)
    except InvalidRequest:
        return True
    return False


AGENT = """
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {name: bus}
spec:
  template:
    model: {modelRef: {name: local}}
    knowledge: [{name: pages}]
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {name: local}
spec: {embedded: {}}
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {name: pages}
spec:
  language: de
  sources: [{name: pages, path: pages}]
"""


def test_questions_can_be_asked_of_the_documents_of_an_agent_file(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "night.md").write_text("# Nachtbus\n\nDer Nachtbus fährt um 23:40 Uhr.\n")
    (tmp_path / "agent.yaml").write_text(AGENT)
    (tmp_path / "q.jsonl").write_text('{"id": "1", "question": "Wann fährt der Nachtbus?", "expected": "23:40"}\n')
    data = of_agent_file(tmp_path / "agent.yaml", tmp_path / "q.jsonl")
    assert (data.name, data.language, data.questions[0].expected) == ("bus", "de", "23:40")
    assert [document.document_id for document in data.read().documents] == ["pages/night.md"]
