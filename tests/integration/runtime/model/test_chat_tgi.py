"""The client against TGI: replies recorded from real servers, and every request of ours checked by TGI's OpenAPI."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import stamina

from support.runtime.model_stand_in import DONE, StandIn, answers, frame, plays
from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.model.chat import Endpoint, ServedChatModel
from supportplane_runtime.model.interfaces import ChatMessage, Generation

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
MESSAGES = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hi"), ChatMessage("assistant", "Hello.")]
GENERATIONS = {
    "plain": Generation(max_tokens=64),
    "cold": Generation(max_tokens=64, temperature=0.0),
    "seeded with a grammar": Generation(max_tokens=512, temperature=0.7, seed=7, schema=SCHEMA),
}
STREAMS = [
    "test_chat_hfhub_nousage",
    "test_chat_hfhub_usage",
    "test_chat_openai_nousage",
    "test_chat_openai_usage",
    "test_json_schema_stream",
    "test_flash_llama_grammar_tools_insufficient_information_stream",
    "test_flash_llama_grammar_tools_sea_creatures_stream_none",
    "test_flash_llama_grammar_tools_sea_creatures_stream_auto",
]


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(testing=True, attempts=3):
        yield


@pytest.fixture(scope="module")
def tgi(shared_data: Path) -> Path:
    return shared_data / "contracts" / "tgi"


def validator(tgi: Path) -> jsonschema.Draft202012Validator:
    """ChatRequest of the OpenAPI description, with `nullable` in JSON Schema's words and unknown fields refused."""
    document = json.loads((tgi / "openapi.json").read_text())
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        for name, property_schema in schema.get("properties", {}).items():
            if property_schema.pop("nullable", False):
                schema["properties"][name] = {"anyOf": [property_schema, {"type": "null"}]}
    schemas["ChatRequest"]["additionalProperties"] = False
    root = {"$ref": "#/components/schemas/ChatRequest", "components": {"schemas": schemas}}
    return jsonschema.Draft202012Validator(root)


async def play(stand_in: StandIn, generation: Generation) -> str:
    stand_in.is_tgi = True
    model = ServedChatModel(Endpoint(url=stand_in.url, model="google/gemma-3-4b-it"))
    try:
        return "".join([piece async for piece in model.stream(MESSAGES, generation)])
    finally:
        await model.close()


def recorded_text(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@pytest.mark.parametrize("name", STREAMS)
async def test_a_recorded_stream_is_read_as_the_text_it_carries(stand_in: StandIn, tgi: Path, name: str) -> None:
    chunks = json.loads((tgi / "recorded" / f"{name}.json").read_text())
    stand_in.behaviours = [plays([*(frame(chunk) for chunk in chunks), DONE])]
    text = await play(stand_in, GENERATIONS["plain"])
    assert text == recorded_text(chunks)
    assert text


async def test_a_recorded_grammar_stream_is_the_json_that_was_asked_for(stand_in: StandIn, tgi: Path) -> None:
    chunks = json.loads((tgi / "recorded" / "test_json_schema_stream.json").read_text())
    stand_in.behaviours = [plays([*(frame(chunk) for chunk in chunks), DONE])]
    assert json.loads(await play(stand_in, GENERATIONS["seeded with a grammar"]))["numCats"] == 2


async def test_a_recorded_tool_call_which_we_never_ask_for_is_no_answer(stand_in: StandIn, tgi: Path) -> None:
    chunks = json.loads((tgi / "recorded" / "test_flash_llama_grammar_tools_choice_stream.json").read_text())
    stand_in.behaviours = [plays([*(frame(chunk) for chunk in chunks), DONE])]
    with pytest.raises(ModelUnavailable):
        await play(stand_in, GENERATIONS["plain"])


@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=GENERATIONS)
async def test_every_request_is_what_the_openapi_description_allows(
    stand_in: StandIn, tgi: Path, generation: Generation
) -> None:
    chunks = json.loads((tgi / "recorded" / "test_chat_hfhub_usage.json").read_text())
    stand_in.behaviours = [plays([*(frame(chunk) for chunk in chunks), DONE])]
    await play(stand_in, generation)
    (body,) = stand_in.bodies
    validator(tgi).validate(body)
    assert body["messages"] == [{"role": message.role, "content": message.content} for message in MESSAGES]
    assert body.get("temperature", 1.0) > 0  # TGI refuses 0, which its description does not say
    if generation.schema is not None:
        assert body["response_format"] == {"type": "json", "value": SCHEMA}


def test_the_validator_would_notice_another_servers_grammar(tgi: Path) -> None:
    body = {"messages": [], "response_format": {"type": "json_object", "schema": SCHEMA}}
    with pytest.raises(jsonschema.ValidationError):
        validator(tgi).validate(body)


@pytest.mark.parametrize("status", [424, 429, 500])
async def test_an_error_tgi_describes_is_model_unavailable(stand_in: StandIn, status: int) -> None:
    stand_in.behaviours = [answers(status, {"error": "Model is overloaded", "error_type": "overloaded"})]
    with pytest.raises(ModelUnavailable):
        await play(stand_in, GENERATIONS["plain"])
