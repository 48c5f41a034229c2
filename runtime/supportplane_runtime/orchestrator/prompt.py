"""Builds what a model is asked, the writer and the judge: a prompt of prompts/, and texts of others as marked data.

Pure. The marks carry a code made new for each turn, so no document and no question can close them and speak as us. That
is a courtesy to the model; the boundary is the check of every sentence in nodes/verify.py.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import orjson

from supportplane_runtime.domain.knowledge import Evidence
from supportplane_runtime.model.interfaces import ChatMessage

# Guesses for small models: 6,000 characters are about 1,500 tokens, and llama.cpp serves the embedded model with a few
# thousand in all.
MAX_PASSAGE_CHARACTERS: Final = 6000
MAX_CONTEXT_CHARACTERS: Final = 1000
MAX_SENTENCES: Final = 8
MAX_SENTENCE_CHARACTERS: Final = 400


def judging_messages(sentences: Sequence[tuple[str, int]], passages: Sequence[str], *, code: str) -> list[ChatMessage]:
    """sentences: each with the index of the passage that it names. code: unguessable, new for each call."""
    parts = [_marked("passage", text, code, f' number="{n}"') for n, text in enumerate(passages, start=1)]
    parts += [
        _marked("sentence", text, code, f' number="{n}" passage="{passage + 1}"')
        for n, (text, passage) in enumerate(sentences, start=1)
    ]
    return [ChatMessage("system", _judging_template()), ChatMessage("user", "\n\n".join(parts))]


def verdict_schema(sentences: int) -> dict[str, Any]:
    """One true or false for each sentence, and nothing else."""
    keys = [str(n) for n in range(1, sentences + 1)]
    return {
        "type": "object",
        "properties": {key: {"type": "boolean"} for key in keys},
        "required": keys,
        "additionalProperties": False,
    }


def fitting(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """The best passages that fit into the prompt together, at least one."""
    size = 0
    for count, found in enumerate(evidence):
        size += len(found.chunk.text)
        if size > MAX_PASSAGE_CHARACTERS:
            return evidence[: max(count, 1)]
    return evidence


def messages(
    question: str,
    evidence: Sequence[Evidence],
    *,
    language: str,
    instructions: str | None,
    context: Mapping[str, Any],
    code: str,
) -> list[ChatMessage]:
    """language: its own name for itself. code: unguessable. context: facts the caller sent about the customer."""
    parts = [_marked("passage", found.chunk.text, code, f' number="{n}"') for n, found in enumerate(evidence, start=1)]
    if context:
        parts.append(_marked("facts", orjson.dumps(context).decode()[:MAX_CONTEXT_CHARACTERS], code))
    parts.append(_marked("question", question, code))
    return [ChatMessage("system", _system(language, instructions)), ChatMessage("user", "\n\n".join(parts))]


def answer_schema(passages: int) -> dict[str, Any]:
    """JSON schema of the answer: a grammar where the server takes one, so that a passage is always named."""
    sentence = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": MAX_SENTENCE_CHARACTERS},
            "passage": {"type": "integer", "minimum": 1, "maximum": passages},
        },
        "required": ["text", "passage"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"sentences": {"type": "array", "items": sentence, "maxItems": MAX_SENTENCES}},
        "required": ["sentences"],
        "additionalProperties": False,
    }


def _system(language: str, instructions: str | None) -> str:
    text = _template().format(language=language)
    return f"{text}\n{instructions}" if instructions else text


@cache
def _template() -> str:
    return (resources.files("supportplane_runtime.orchestrator") / "prompts" / "system.md").read_text("utf-8")


@cache
def _judging_template() -> str:
    return (resources.files("supportplane_runtime.orchestrator") / "prompts" / "judge.md").read_text("utf-8")


def _marked(kind: str, text: str, code: str, attributes: str = "") -> str:
    return f"<{kind}-{code}{attributes}>\n{text}\n</{kind}-{code}>"
