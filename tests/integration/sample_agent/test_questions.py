import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.repository import REPOSITORY

DOCS = REPOSITORY / "docs"
QUESTIONS: dict[str, list[dict[str, Any]]] = YAML(typ="safe").load(Path(__file__).with_name("questions.yaml"))


def section_text(section: str) -> str:
    """The lines under a heading, up to the next one of its level or above."""
    path, _, heading = section.partition("#")
    text = (DOCS / path).read_text()
    match = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^##? |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"{section} is not in the documentation"
    return match[1]


@pytest.mark.parametrize("entry", QUESTIONS["answered"], ids=lambda entry: entry["question"])
def test_the_documentation_holds_the_answer_of_each_question(entry: dict[str, Any]) -> None:
    text = section_text(entry["section"])
    assert [word for word in entry["words"] if word not in text] == []


def test_there_are_as_many_questions_and_near_misses_as_were_collected() -> None:
    assert (len(QUESTIONS["answered"]), len(QUESTIONS["unanswered"])) == (21, 11)
