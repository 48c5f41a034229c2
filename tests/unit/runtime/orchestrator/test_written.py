import json
from collections.abc import AsyncIterator

import pytest

from supportplane_runtime.orchestrator.drafts import Author, Draft
from supportplane_runtime.orchestrator.prompt import MAX_SENTENCES
from supportplane_runtime.orchestrator.written import drafts_in


async def deltas(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


async def read(*pieces: str, passages: int = 2) -> list[Draft]:
    return [draft async for draft in drafts_in(deltas(*pieces), passages=passages)]


def answer(*sentences: object) -> str:
    return json.dumps({"sentences": sentences})


def sentence(text: str, passage: int = 1) -> dict[str, object]:
    return {"text": text, "passage": passage}


TWO = answer(sentence('Say "hi" [now] {x}.'), sentence("Then\n  stop.", 2))
BOTH = [Draft('Say "hi" [now] {x}.', Author.MODEL, 0), Draft("Then stop.", Author.MODEL, 1)]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_sentences_are_read_however_the_text_is_cut(size: int) -> None:
    assert await read(*(TWO[n : n + size] for n in range(0, len(TWO), size))) == BOTH


async def test_a_sentence_is_handed_out_before_the_next_one_is_written() -> None:
    async def unfinished() -> AsyncIterator[str]:
        yield TWO[: TWO.index('"passage": 1}') + 16]
        raise AssertionError("read on before handing out")

    stream = drafts_in(unfinished(), passages=2)
    assert await anext(stream) == BOTH[0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("I think the answer is 42.", 0),
        (answer(), 0),
        (TWO[:-20], 1),
        ("```json\n" + TWO + "\n```", 2),
        (answer(sentence(" ")), 0),
        (answer({"text": 3, "passage": 1}), 0),
        (answer({"text": "x"}), 0),
        (answer(sentence("x", 0), sentence("x", 3), {"text": "x", "passage": True}), 0),
        (answer("x", ["y"]), 0),
        (answer(*[sentence(f"n {n}") for n in range(50)]), MAX_SENTENCES),
    ],
)
async def test_what_is_not_a_whole_sentence_of_a_named_passage_is_skipped(text: str, count: int) -> None:
    assert len(await read(text)) == count
