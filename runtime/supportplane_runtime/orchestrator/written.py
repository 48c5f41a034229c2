"""Reads the model's JSON answer while it is still being written, and hands out each sentence as soon as it is whole.

Called by nodes/answer.py. A sentence that was cut off, by a limit or by a broken connection, is never handed out.
"""

import json
from collections.abc import AsyncIterator

from supportplane_runtime.orchestrator.drafts import Author, Draft, Drafts
from supportplane_runtime.orchestrator.prompt import MAX_SENTENCES

_DECODER = json.JSONDecoder()


async def drafts_in(deltas: AsyncIterator[str], *, passages: int) -> Drafts:
    """Drafts of ``{"sentences": [{"text": ..., "passage": 1..passages}, ...]}``; what has another form is skipped."""
    text = ""
    position = -1
    count = 0
    async for delta in deltas:
        text += delta
        if position < 0:
            position = text.find("[") + 1 or -1
        while position > 0 and (found := _next_object(text, position)) is not None:
            value, position = found
            draft = _draft(value, passages)
            if draft is not None:
                count += 1
                yield draft
            if count == MAX_SENTENCES:
                return


def _next_object(text: str, position: int) -> tuple[object, int] | None:
    """The next whole object of the list and where it ends, or None as long as there is none."""
    start = text.find("{", position)
    if start < 0:
        return None
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError:
        return None


def _draft(value: object, passages: int) -> Draft | None:
    if not isinstance(value, dict):
        return None
    text, passage = value.get("text"), value.get("passage")
    if not isinstance(text, str) or not text.strip() or type(passage) is not int or not 1 <= passage <= passages:
        return None
    return Draft(" ".join(text.split()), Author.MODEL, passage - 1)
