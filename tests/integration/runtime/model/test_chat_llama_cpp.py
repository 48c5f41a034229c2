"""The client against the real llama.cpp server and the embedded model."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.model.chat import Endpoint, ServedChatModel, Timeouts
from supportplane_runtime.model.interfaces import ChatMessage, Generation

# Two busy cores have needed 3 s for the first token: generous, so that only a hang fails.
PATIENT = Timeouts(first_token_s=120, between_tokens_s=60, total_s=240)
HELLO = [ChatMessage("user", "Say hello.")]


@pytest.fixture
async def model(model_server_url: str, model_server_key: str) -> AsyncIterator[ServedChatModel]:
    endpoint = Endpoint(url=model_server_url, model="SmolLM2-135M-Instruct", api_key=model_server_key, timeouts=PATIENT)
    served = ServedChatModel(endpoint)
    yield served
    await served.close()


@pytest.mark.slow
async def test_text_streams_from_the_real_server(model: ServedChatModel) -> None:
    pieces = [piece async for piece in model.stream(HELLO, Generation(max_tokens=8, temperature=0.0))]
    assert len(pieces) > 1


@pytest.mark.slow
async def test_a_schema_constrains_what_the_real_server_writes(model: ServedChatModel) -> None:
    schema = {
        "type": "object",
        "properties": {"passage": {"type": "integer", "minimum": 1, "maximum": 3}},
        "required": ["passage"],
        "additionalProperties": False,
    }
    generation = Generation(max_tokens=48, temperature=0.0, schema=schema)
    text = "".join([piece async for piece in model.stream(HELLO, generation)])
    assert json.loads(text)["passage"] in {1, 2, 3}


@pytest.mark.slow
async def test_leaving_early_frees_the_slot_for_the_next_call(model: ServedChatModel) -> None:
    for _ in range(6):  # more than the server has slots
        async with asyncio.timeout(240):
            async with aclosing(model.stream(HELLO, Generation(max_tokens=512))) as stream:
                await anext(stream)


@pytest.mark.slow
async def test_the_probe_answers(model: ServedChatModel) -> None:
    await model.probe()


@pytest.mark.slow
async def test_a_wrong_key_is_refused_with_the_reason(model_server_url: str) -> None:
    served = ServedChatModel(Endpoint(url=model_server_url, model="m", api_key="wrong", timeouts=PATIENT))
    with pytest.raises(ModelUnavailable, match="401"):
        await served.probe()
    await served.close()
