"""Reads a folder of questions (questions*.jsonl) that an evaluation asks; rag/documents/reading.py reads its documents.

A line with an unknown key is fine.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation.rows import fingerprint, rows

DOCUMENTS = "kb.jsonl"
QUESTIONS = "questions*.jsonl"


class Said(BaseModel):
    """A message of the conversation before the question. role: whoever is not the user is taken for the agent."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: str
    content: str

    @property
    def is_users(self) -> bool:
        return self.role == "user"


class Question(BaseModel):
    """A row. relevant_ids: documents that answer it. A null is as good as a key that is not there."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    id: str
    question: str
    relevant_ids: tuple[str, ...] = ()
    out_of_scope: bool = False
    history: tuple[Said, ...] = ()
    answerability: str | None = None
    needs_kb: bool | None = None
    reference_answer: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, row: Any) -> Any:
        return {key: value for key, value in row.items() if value is not None} if isinstance(row, dict) else row

    @property
    def is_answerable(self) -> bool:
        return bool(self.relevant_ids) and not self.out_of_scope

    @property
    def is_measured(self) -> bool:
        """Counts for retrieval or refusal; the others count for asking back and for routing only."""
        return self.is_answerable or self.out_of_scope

    @property
    def is_underspecified(self) -> bool:
        return self.answerability == "UNDERSPECIFIED"


@dataclass(frozen=True, slots=True)
class DataSet:
    name: str
    documents: Path
    questions: tuple[Question, ...]

    @property
    def contents(self) -> str:
        return fingerprint(question.model_dump_json(exclude_defaults=True) for question in self.questions)


def load(folder: Path) -> DataSet:
    """Raises InvalidRequest for a folder that cannot be measured."""
    if not folder.is_dir():
        raise InvalidRequest(f"{folder} is not a folder.")
    documents = folder / DOCUMENTS
    if not documents.is_file():
        raise InvalidRequest(
            f"{folder} has no {DOCUMENTS}, so there is nothing to retrieve from. "
            "Put one document a line there: id, title, text, source."
        )
    return DataSet(folder.resolve().name, documents, questions_of(folder))


def questions_of(folder: Path) -> tuple[Question, ...]:
    """Raises InvalidRequest when there are none."""
    questions = tuple(question for path in sorted(folder.glob(QUESTIONS)) for question in rows(path, Question))
    if not questions:
        raise InvalidRequest(
            f"{folder} has no questions in {QUESTIONS}. Put one question a line there: id, question, relevant_ids."
        )
    return questions
