"""What an evaluation asks: a folder with documents and questions, or questions about the documents of an agent file.

rag/documents/reading.py reads the documents. A line with an unknown key is fine.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, model_validator

from supportplane_crds import EmbeddingModel, load_agent_file
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation.rows import fingerprint, rows
from supportplane_runtime.rag.documents.reading import Reading, read_jsonl, read_knowledge_base

DOCUMENTS = "kb.jsonl"
QUESTIONS = "questions*.jsonl"
SEED: Final = 7


class Part(StrEnum):
    """A half of the questions: what is tuned sees the one, and is worth what the other says."""

    TUNING = "tuning"
    KEPT = "kept"


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
    expected: str | None = None  # what a whole answer must contain, for whoever judges answers

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
    """product: whose documents are asked. read: gives them. language: theirs. half: of the questions, "" for all.

    embedding: the model for the documents.
    """

    product: str
    read: Callable[[], Reading]
    questions: tuple[Question, ...]

    language: str = "en"
    half: str = ""
    embedding: str = EmbeddingModel.MINILM

    @property
    def name(self) -> str:
        """Figures are kept by it."""
        return f"{self.product}/{self.half}" if self.half else self.product

    @property
    def contents(self) -> str:
        return fingerprint(question.model_dump_json(exclude_defaults=True) for question in self.questions)

    def part(self, part: Part, seed: int) -> "DataSet":
        """A half by a hash of seed and question: the same on every machine, and a new question moves no other.

        Raises InvalidRequest when no question falls into it.
        """
        questions = tuple(each for each in self.questions if _part_of(each, seed) is part)
        if not questions:
            raise InvalidRequest(f"No question of {self.name} falls into the part {part} with the seed {seed}.")
        return replace(self, half=f"{part}-{seed}", questions=questions)


def _part_of(question: Question, seed: int) -> Part:
    digest = hashlib.sha256(f"{seed} {question.id} {question.question}".encode("utf-8", "surrogatepass")).digest()
    return Part.TUNING if digest[0] % 2 else Part.KEPT


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
    return DataSet(folder.resolve().name, partial(read_jsonl, documents), questions_of(folder))


def of_agent_file(path: Path, questions: Path) -> DataSet:
    """Questions about the documents of an agent file, under the agent's name; its settings play no part.

    Raises InvalidAgentFile, or InvalidRequest for a file whose questions cannot be asked.
    """
    file = load_agent_file(path)
    if len(file.knowledge_bases) != 1 or file.knowledge_bases[0].spec.sources[0].path is None:
        raise InvalidRequest(f"{path} must have one KnowledgeBase, whose sources are folders or files, to be measured.")
    spec = file.knowledge_bases[0].spec
    asked = tuple(rows(questions, Question))
    if not asked:
        raise InvalidRequest(f"{questions} has no questions. Put one question a line there: id, question.")
    read = partial(read_knowledge_base, spec, file.path.parent)
    return DataSet(file.agent.name, read, asked, spec.language, embedding=spec.embedding_model)


def questions_of(folder: Path) -> tuple[Question, ...]:
    """Raises InvalidRequest when there are none."""
    questions = tuple(question for path in sorted(folder.glob(QUESTIONS)) for question in rows(path, Question))
    if not questions:
        raise InvalidRequest(
            f"{folder} has no questions in {QUESTIONS}. Put one question a line there: id, question, relevant_ids."
        )
    return questions
