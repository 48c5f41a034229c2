import json
from pathlib import Path
from typing import Any

import pytest

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation.dataset import load


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
