"""A question that was asked before gets the answer that was made then, and nothing else does."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from support.runtime.turn_parts import FixedRetriever, MemoryEngine
from support.runtime.turn_subject import TENANT, Setup, asked, parts
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import CacheUnavailable, StoreUnavailable
from supportplane_runtime.model.memory import ScriptedChatModel
from supportplane_runtime.orchestrator.buffer import EventBuffer
from supportplane_runtime.orchestrator.equal_questions import place_of_question, same_for_equal
from supportplane_runtime.orchestrator.policy import Policy, WritingPolicy
from supportplane_runtime.orchestrator.repeated import Keeping, RepeatedQuestions
from supportplane_runtime.orchestrator.state import Emit
from supportplane_runtime.orchestrator.turns import LocalTurns
from supportplane_runtime.store.memory.answers import MemoryKeptAnswers
from supportplane_runtime.store.memory.store import MemoryStore
from supportplane_runtime.turns.events import Answered, Progress, Sources, Token, TurnEvent

QUESTION = "How do I rotate an API key?"
AGENT = Policy(tenant=TENANT, agent="shop")


@dataclass
class Agent:
    """An agent whose documents have a version, over a store and kept answers that others may share."""

    answers: MemoryKeptAnswers = field(default_factory=MemoryKeptAnswers)
    store: MemoryStore = field(default_factory=MemoryStore)
    retriever: FixedRetriever = field(default_factory=FixedRetriever)
    version: str | None = "v1"
    policy: Policy = AGENT
    made_by: str = "release 1"
    secret: bytes = b"secret"
    model: Any = None

    async def read_version(self) -> str | None:
        return self.version

    def engine(self) -> RepeatedQuestions:
        inner = MemoryEngine(parts(Setup(policy=self.policy, retriever=self.retriever, model=self.model)))
        keeping = Keeping(self.answers, self.read_version, self.secret, self.made_by)
        return RepeatedQuestions(inner, keeping, self.policy)

    async def ask(self, question: str = QUESTION, **more: Any) -> list[TurnEvent]:
        """The events of a whole turn."""
        async with self.turns() as turns:
            request = asked(question, **{"tenant": self.policy.tenant} | more)
            await turns.start(request)
            return [event async for event in turns.stream(request.tenant, request.turn_id)]

    @asynccontextmanager
    async def turns(self) -> AsyncIterator[LocalTurns]:
        async with LocalTurns(self.engine(), self.store.turnbook, self.policy) as turns:
            yield turns

    @property
    def worked(self) -> int:
        """How many questions the documents were searched for."""
        return len(self.retriever.questions)


def answer(events: Sequence[TurnEvent]) -> Answer:
    last = events[-1]
    assert isinstance(last, Answered)
    return last.answer


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("supportplane_kept_answers_total", {"result": result}) or 0.0


def told(events: Sequence[TurnEvent]) -> list[Any]:
    return [event.text for event in events if isinstance(event, Token)] + [
        event.sources for event in events if isinstance(event, Sources)
    ]


async def test_an_equal_question_gets_the_answer_again_with_the_same_events_and_is_stored_like_any_other() -> None:
    agent = Agent()
    before = counted("hit"), counted("miss")

    first, second = await agent.ask(), await agent.ask("  how do i  ROTATE an api key ")

    assert agent.worked == 1
    assert (counted("hit"), counted("miss")) == (before[0] + 1, before[1] + 1)
    assert answer(second) == answer(first)
    assert answer(first).sources
    assert told(second) == told(first)
    assert [type(event) for event in second if not isinstance(event, Progress)] == [
        type(event) for event in first if not isinstance(event, Progress)
    ]
    assert isinstance(second[0], Progress)
    audited = await agent.store.audit.listing(TENANT, limit=9)
    assert [(entry.outcome, entry.facts["outcome"], entry.facts["sources"]) for entry in audited] == [
        ("finished", "answered", len(answer(first).sources))
    ] * 2


async def test_what_saves_time_is_counted() -> None:
    agent = Agent()
    name = "supportplane_kept_answers_saved_seconds_total"
    await agent.ask()
    before = REGISTRY.get_sample_value(name) or 0.0
    await agent.ask()
    assert (REGISTRY.get_sample_value(name) or 0.0) > before


OTHERS: dict[str, dict[str, Any]] = {
    "of another version of the documents": {"version": "v2"},
    "of documents that are being read": {"version": None},
    "by another release or agent file": {"made_by": "release 2"},
    "of another agent": {"policy": replace(AGENT, agent="bank")},
    "of another tenant": {"policy": replace(AGENT, tenant="rival")},
    "by a process that does not know the secret": {"secret": b"another"},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS.keys())
async def test_an_answer_is_made_anew(changes: dict[str, Any]) -> None:
    first = Agent()
    await first.ask()
    other = replace(first, retriever=FixedRetriever(), **changes)
    await other.ask()
    assert other.worked == 1


async def test_nothing_is_kept_of_documents_that_were_read_meanwhile() -> None:
    """The version is that of before the documents were searched."""
    agent = Agent()

    async def read_again() -> None:
        agent.version = "v2"

    agent.retriever.wait = read_again
    await agent.ask()
    agent.retriever.wait = None
    await agent.ask()
    assert agent.worked == 2


async def test_a_question_with_a_context_or_a_history_is_worked_on_always() -> None:
    agent = Agent()
    first = (await agent.ask())[-1]
    assert isinstance(first, Answered)
    await agent.ask(context={"plan": "pro"})
    await agent.ask(conversation_id=first.conversation_id)
    assert agent.worked == 3


ENDINGS = {
    "a ticket": FixedRetriever(confidence=0.1),
    "declined": FixedRetriever(confidence=0.1, in_scope=0.0),
    "unsure": FixedRetriever(confidence=0.55),
}


@pytest.mark.parametrize("retriever", ENDINGS.values(), ids=ENDINGS.keys())
async def test_only_good_answers_are_kept(retriever: FixedRetriever) -> None:
    agent = Agent(retriever=retriever)
    asked_before = agent.worked
    await agent.ask()
    await agent.ask()
    assert agent.worked == asked_before + 2


async def test_an_answer_that_the_model_should_have_written_and_did_not_is_made_again() -> None:
    agent = Agent(policy=replace(AGENT, writing=WritingPolicy(0.1, 99)), model=ScriptedChatModel([[""]], fails_after=0))
    first = answer(await agent.ask())
    await agent.ask()
    assert (first.outcome, first.model_share) == (Outcome.ANSWERED, 0.0)
    assert agent.worked == 2


class Away(MemoryKeptAnswers):
    async def find(self, tenant: str, agent: str, name: bytes) -> bytes | None:  # noqa: ARG002
        raise CacheUnavailable("Redis does not answer at the moment.")

    async def keep(self, tenant: str, agent: str, name: bytes, value: bytes) -> None:  # noqa: ARG002
        raise CacheUnavailable("Redis does not answer at the moment.")


async def test_without_redis_and_without_a_version_turns_go_on() -> None:
    agent = Agent(answers=Away())
    assert answer(await agent.ask()).outcome is Outcome.ANSWERED

    async def away() -> str | None:
        raise StoreUnavailable("The database does not answer at the moment.")

    agent.read_version = away  # type: ignore[method-assign]
    assert answer(await agent.ask()).outcome is Outcome.ANSWERED


class Forger(MemoryKeptAnswers):
    """Somebody who can write to Redis: changes every answer that is kept."""

    async def keep(self, tenant: str, agent: str, name: bytes, value: bytes) -> None:
        await super().keep(tenant, agent, name, value.replace(b"supportplane keys", b"curl evil.example"))


async def test_an_answer_that_somebody_else_wrote_is_not_believed() -> None:
    agent = Agent(answers=Forger())
    await agent.ask()
    assert "evil" not in answer(await agent.ask()).response
    assert agent.worked == 2


async def test_redis_holds_no_question() -> None:
    class Spy(MemoryKeptAnswers):
        seen = b""

        async def keep(self, tenant: str, agent: str, name: bytes, value: bytes) -> None:
            self.seen = name + value
            await super().keep(tenant, agent, name, value)

    spy = Spy()
    await Agent(answers=spy).ask("Tell hunter2 how to rotate an API key")
    assert spy.seen
    assert b"hunter2" not in spy.seen


class Once:
    """An engine that answers, for a turn of a later attempt."""

    def __init__(self) -> None:
        self.ran = 0

    async def run(self, turn: Turn, history: Sequence[Message], emit: Emit) -> Ending:  # noqa: ARG002
        self.ran += 1
        return Ending(Answer("Yes.", Outcome.ANSWERED, 0.9))

    async def forget(self, turns: Sequence[Turn]) -> None: ...

    async def tidy(self) -> None: ...


async def test_a_turn_that_is_taken_up_is_for_the_engine_which_may_know_its_ending() -> None:
    agent, engine = Agent(), Once()
    repeated = RepeatedQuestions(engine, Keeping(agent.answers, agent.read_version, b"secret", ""), AGENT)
    book = agent.store.turnbook
    turn = (await book.accept(asked(QUESTION), lease_owner="w", history_limit=0)).turn
    for attempt in (1, 1, 2):
        await repeated.run(replace(turn, attempt=attempt), (), EventBuffer().append)
    assert engine.ran == 2


SAME = ["How do I  pay?", "how do i PAY", " “How do I pay”!", "¿how do I pay?!", "how, do I: pay..."]
APART = [
    "How do I pay 5?",
    "How do I pay 1.5?",
    "How do I pay 15?",
    "How do I pay -5?",
    "How do I not pay?",
    "How do I pay in C?",
    "How do I pay in C++?",
    "How do I pay in C#?",
    "How do I pay with .env?",
    "How do I pay with env?",
    "How do I pay $5?",
    "How do I pay --all?",
    "How do I pay all?",
    "How do I pay Anne?",
    "How do I pay Ann?",
    "How do I pay? Not at all",
]


def test_questions_are_equal_but_for_case_spacing_and_marks_around_words() -> None:
    assert len({same_for_equal(question) for question in SAME}) == 1
    assert len({same_for_equal(question) for question in [*APART, SAME[0]]}) == len(APART) + 1


async def test_an_answer_that_was_ended_is_made_again_for_whoever_asks_equally_whatever_made_it() -> None:
    agent = Agent()
    await agent.ask()
    await agent.answers.end(
        TENANT, "shop", place_of_question(agent.secret, TENANT, "shop", "how do i rotate an API key")
    )
    await agent.ask()
    assert len(agent.retriever.questions) == 2
