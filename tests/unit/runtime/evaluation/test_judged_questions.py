"""The questions in tests/judged can be asked as they are: whoever measures with them finds no line to mend first."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.repository import TESTS
from supportplane_runtime.evaluation.dataset import of_agent_file

JUDGED = TESTS / "judged"
FILES = sorted(JUDGED.glob("*.questions.jsonl"))
FIELDS = {"id": str, "question": str, "relevant_ids": list, "out_of_scope": bool, "expected": str}


def product(path: Path) -> str:
    return path.name.removesuffix(".questions.jsonl")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def source(path: Path) -> dict[str, Any]:
    """The one source of the agent file beside the questions."""
    documents = YAML(typ="safe").load_all(JUDGED / f"{product(path)}.agent.yaml")
    (found,) = next(each for each in documents if each["kind"] == "KnowledgeBase")["spec"]["sources"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", FILES, ids=product)
def test_each_line_has_the_fields_of_a_question_and_says_something(path: Path) -> None:
    for row in rows(path):
        assert {name: type(value) for name, value in row.items()} == FIELDS
        assert row["id"].startswith(f"{product(path)}-")
        assert row["question"].strip()
        assert row["expected"].strip()


@pytest.mark.parametrize("path", FILES, ids=product)
def test_a_question_names_pages_once_each_unless_it_is_out_of_scope(path: Path) -> None:
    name = source(path)["name"]
    for row in rows(path):
        pages = row["relevant_ids"]
        assert bool(pages) is not row["out_of_scope"], row["id"]
        assert len(set(pages)) == len(pages)
        assert all(page.startswith(f"{name}/") for page in pages)


def test_no_id_and_no_question_is_there_twice() -> None:
    everything = [row for path in FILES for row in rows(path)]
    for field in ("id", "question"):
        counted = Counter(row[field] for row in everything)
        assert counted.most_common(1)[0][1] == 1, field


@pytest.mark.parametrize("path", FILES, ids=product)
def test_the_questions_are_read_with_the_agent_file_once_the_documents_are_there(path: Path, tmp_path: Path) -> None:
    agent_file = tmp_path / "agent.yaml"
    agent_file.write_text((JUDGED / f"{product(path)}.agent.yaml").read_text())
    (tmp_path / source(path)["path"]).mkdir(parents=True)
    found = of_agent_file(agent_file, path)
    assert (found.product, len(found.questions)) == (product(path), 100)
    assert all(question.is_measured for question in found.questions)
