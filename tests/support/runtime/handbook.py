"""Handbooks in German, Japanese, Chinese, Thai and Korean, with questions about them and about something else.

All of it was written for these tests. German questions are of two kinds: in `compounds` the words of question and
handbook are joined differently, in `plain` they are the same.
"""

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from supportplane_runtime.domain.knowledge import Document
from supportplane_runtime.rag.documents.reading import Reading

FOLDER = Path(__file__).parent / "handbooks"


@dataclass(frozen=True, slots=True)
class Handbook:
    """questions: by kind, each with the document that answers. outside: what no document answers."""

    reading: Reading
    questions: dict[str, list[tuple[str, str]]]
    outside: list[str]


def handbook(language: str) -> Handbook:
    rows = YAML(typ="safe", pure=True).load((FOLDER / f"{language}.yaml").read_text("utf-8"))
    documents = []
    for name, text in rows.pop("documents").items():
        title, _, body = text.partition("\n")
        documents.append(Document(name, title, body, f"{name}.md", language))
    outside = rows.pop("outside")
    asked = {kind: [(question, name) for name, question in pairs] for kind, pairs in rows.items()}
    return Handbook(Reading(tuple(documents), ()), asked, outside)
