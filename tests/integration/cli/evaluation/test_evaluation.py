"""A small folder through the whole of `supportplane eval`: its own PostgreSQL, the embedder, the graph."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from supportplane_cli.errors import WrongUsage
from supportplane_cli.evaluation.run import Before, Wanted, run
from supportplane_runtime.rag.search.confidence import Features

pytestmark = pytest.mark.slow

DOCUMENTS = {
    "keys": "To rotate an API key, create a new key, deploy it, and then revoke the old key.",
    "limits": "Requests are limited to one hundred and twenty a minute for each API key.",
    "backup": "A backup holds the database and the keys. Restore it into an empty data directory.",
    "widget": "The chat widget is one script tag. It needs a publishable key and the origin of the site.",
    "tickets": "A ticket is opened when a customer asks for a person or when the documents hold no answer.",
    "refunds": "Refunds are paid within fourteen days to the card that was charged.",
}
QUESTIONS: list[dict[str, Any]] = [
    {"question": "How do I rotate an API key?", "relevant_ids": ["keys"], "reference_answer": "Create a new key."},
    {"question": "How many requests a minute are allowed?", "relevant_ids": ["limits"]},
    {"question": "What does a backup hold?", "relevant_ids": ["backup"]},
    {"question": "When is a ticket opened?", "relevant_ids": ["tickets"]},
    {
        "question": "What else is in it?",
        "relevant_ids": ["backup"],
        "history": [
            {"role": "user", "content": "What does a backup hold?"},
            {"role": "assistant", "content": "A backup holds the database and the keys. [1]"},
        ],
    },
    {"question": "Do ducks sleep at night?", "out_of_scope": True},
    {"question": "Who won the chess game?", "out_of_scope": True},
    {"question": "it does not work", "answerability": "UNDERSPECIFIED"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kb.jsonl").write_text(
        "".join(json.dumps({"id": name, "title": "", "text": text}) + "\n" for name, text in DOCUMENTS.items())
    )
    (tmp_path / "questions.jsonl").write_text(
        "".join(json.dumps({"id": str(n), **row}) + "\n" for n, row in enumerate(QUESTIONS))
    )
    return tmp_path


def test_a_folder_is_measured_through_the_real_parts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(Wanted(data=[folder]), Before(), as_json=True)
    (found,) = json.loads(capsys.readouterr().out)["sets"]
    facts = found["facts"]
    assert (facts["documents"], facts["answerable"], facts["out_of_scope"], facts["for_routing"]) == (6, 5, 2, 1)
    figures = {figure["key"]: figure for figure in found["figures"]}
    assert figures["hit_at_1"]["value"] == 1.0
    assert figures["hit_at_1"]["count"] == 5
    assert figures["bm25_hit_at_1"]["value"] < 1.0  # "it" alone finds nothing
    assert figures["out_of_scope_auroc"]["value"] == 1.0
    assert figures["out_of_scope_answered"]["value"] == 0.0
    assert figures["span_precision"]["value"] == 1.0
    assert figures["asked_back"]["value"] == 1.0
    assert figures["answer_p95_s"]["value"] > 0


def test_a_document_that_cannot_be_read_is_named_and_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (folder / "kb.jsonl").open("a") as file:
        file.write('{"title": "no id"}\n')
    run(Wanted(data=[folder]), Before(), as_json=True)
    output = capsys.readouterr()
    assert json.loads(output.out)["sets"][0]["facts"]["unreadable_documents"] == 1
    assert "left out: kb.jsonl:7" in output.err


def test_a_folder_whose_documents_are_all_unreadable_is_an_error(folder: Path) -> None:
    (folder / "kb.jsonl").write_text("{}\n")
    with pytest.raises(WrongUsage, match="no document could be read"):
        run(Wanted(data=[folder]), Before(), as_json=True)


def test_two_folders_in_one_run_stand_side_by_side_and_their_answers_can_be_judged(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "kb.jsonl").write_text((folder / "kb.jsonl").read_text())
    rows = [QUESTIONS[1], {"question": "How are refunds paid?", "relevant_ids": ["widget"]}]
    (other / "questions.jsonl").write_text(
        "".join(json.dumps({"id": str(n), **row}) + "\n" for n, row in enumerate(rows))
    )
    answers = tmp_path / "answers.jsonl"
    run(Wanted(data=[folder, other], transcript=answers), Before(), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in found["sets"]] == [folder.name, "other"]
    means = {mean["key"]: mean for mean in found["means"]}
    assert (means["hit_at_1"]["value"], means["hit_at_1"]["sets"]) == (0.75, 2)
    assert means["out_of_scope_answered"]["sets"] == 1
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    assert [row["product"] for row in rows] == [folder.name] * len(QUESTIONS) + ["other"] * 2
    assert (rows[0]["page"], rows[0]["outcome"], rows[0]["verdict"]) == ("keys", "answered", None)
    assert rows[0]["features"].keys() == {field.name for field in fields(Features)}
    assert "> To rotate an API key, create a new key" in (tmp_path / "answers.md").read_text()


def test_what_would_go_to_a_person_is_answered_for_a_reader_and_gives_no_figures(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, asked_all = tmp_path / "kept.jsonl", tmp_path / "all.jsonl"
    run(Wanted(data=[folder], transcript=kept), Before(), as_json=True)
    capsys.readouterr()
    run(Wanted(data=[folder], transcript=asked_all, answer_all=True), Before(), as_json=True)
    assert json.loads(capsys.readouterr().out)["sets"] == []

    def outcomes(path: Path) -> set[str]:
        return {json.loads(line)["outcome"] for line in path.read_text().splitlines()}

    to_a_person = {"handed_off", "declined"}
    assert outcomes(kept) & to_a_person
    assert not outcomes(asked_all) & to_a_person


def test_two_folders_of_one_name_are_refused_before_anything_starts(folder: Path) -> None:
    with pytest.raises(WrongUsage, match=f"Two sets are called {folder.name}"):
        run(Wanted(data=[folder, folder]), Before(), as_json=True)
