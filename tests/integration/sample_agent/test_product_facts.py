"""The agent that `make up` starts is asked about the product; the code says what a true answer holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.laptop import product_facts
from support.laptop.running_agent import Laptop
from support.repository import REPOSITORY
from supportplane_cli.embedded.ports import free_port

AGENT = REPOSITORY / "environments/local/agent.yaml"
FOLDER = Path(__file__).parent
FORTY: list[dict[str, str]] = YAML(typ="safe").load(FOLDER / "product_questions.yaml")
THIRTY: dict[str, list[dict[str, Any]]] = YAML(typ="safe").load(FOLDER / "questions.yaml")
FACTS = {fact.__name__: fact for fact in product_facts.FACTS}
# Reading the documents for the first time takes half a minute on two idle cores and several minutes on busy ones.
START_DEADLINE_S = 900
waits_for_the_agent = [pytest.mark.slow, pytest.mark.timeout(START_DEADLINE_S + 100)]


def questions(entries: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(entry, id=entry["question"], marks=waits_for_the_agent) for entry in entries]


@pytest.fixture(scope="module")
def sample_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    folder = tmp_path_factory.mktemp("sample-agent")
    agent = Laptop(folder, free_port(), agent_file=AGENT, start_deadline_s=START_DEADLINE_S)
    try:
        agent.up()
        yield agent
    finally:
        agent.down()


async def ask(agent: Laptop, question: str) -> dict[str, Any]:
    """Each in a conversation of its own."""
    status, reply = await agent.post("/api/v1/query", {"query": question, "user_id": "newcomer"})
    assert status == 200, reply
    return reply


def test_each_of_forty_facts_is_asked_for_once() -> None:
    assert sorted(entry["fact"] for entry in FORTY) == sorted(FACTS)
    assert len(FORTY) == 40


@pytest.mark.parametrize("entry", questions(FORTY))
async def test_the_sample_agent_tells_what_the_code_says(sample_agent: Laptop, entry: dict[str, str]) -> None:
    reply = await ask(sample_agent, entry["question"])
    missing = FACTS[entry["fact"]]().missing(reply["response"])
    assert (reply["outcome"], missing) == ("answered", []), reply["response"]


@pytest.mark.parametrize("entry", questions(THIRTY["answered"]))
async def test_the_sample_agent_answers_what_its_users_ask(sample_agent: Laptop, entry: dict[str, Any]) -> None:
    reply = await ask(sample_agent, entry["question"])
    missing = [word for word in entry["words"] if word not in reply["response"]]
    assert (reply["outcome"], missing) == ("answered", []), reply["response"]


@pytest.mark.parametrize("entry", questions(THIRTY["unanswered"]))
async def test_the_sample_agent_does_not_answer_what_no_page_holds(sample_agent: Laptop, entry: dict[str, Any]) -> None:
    assert (await ask(sample_agent, entry["question"]))["outcome"] != "answered"
