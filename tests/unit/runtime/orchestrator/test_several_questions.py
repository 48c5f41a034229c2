"""Whole turns in memory: a question of several parts gets all that the documents answer, and says what they do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from support.runtime.turn_parts import FixedRetriever, passage
from support.runtime.turn_subject import Setup, asked, in_memory
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import Message
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.policy import HandoffPolicy, Policy
from supportplane_runtime.rag.search.interfaces import Retrieval
from supportplane_runtime.turns.events import Answered, Token

HOURS = passage("The shop is open from Tuesday to Saturday.", name="hours")
PAYMENT = passage("You can pay by card or in cash.", name="payment")
TO_A_PERSON = spoken_language("en").replies["handed_off_handoff_only"]
OPEN_PART = "When is the shop open and do you insure bikes?"
PAGES = {"open": HOURS, "pay": PAYMENT, "cash": PAYMENT}


@dataclass
class WordRetriever(FixedRetriever):
    """Finds the page of the first known word of a question, and is not sure where there is none."""

    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval:
        del history, limit
        words = question.lower().replace("?", "").split()
        found = [PAGES[word] for word in words if word in PAGES]
        rarities = dict.fromkeys(["open", "shop", "pay", "bike", "repair", "insur"], 1.0)
        confidence = 0.9 if found else 0.2
        return Retrieval(
            question,
            tuple(dict.fromkeys(found[:1])) or (HOURS,),
            confidence,
            0.05 if "race" in words[-1:] and not found else 0.9,
            rarities,
        )


async def answer_to(question: str) -> Answer:
    async with in_memory(Setup(retriever=WordRetriever())) as subject:
        request = asked(question)
        await subject.turns.start(request)
        events = await subject.events(request.turn_id)
    final = events[-1]
    assert isinstance(final, Answered)
    assert "".join(event.text for event in events if isinstance(event, Token)) == final.answer.response
    return final.answer


async def test_both_parts_are_answered() -> None:
    answer = await answer_to("When is the shop open and how can I pay?")
    assert answer.outcome is Outcome.ANSWERED
    assert answer.response == f"{HOURS.chunk.text} [1] {PAYMENT.chunk.text} [2]"
    assert answer.confidence == 0.9


async def test_a_part_that_the_documents_do_not_answer_is_named_and_the_answer_is_less_sure() -> None:
    answer = await answer_to("When is the shop open and do you insure bikes?")
    assert answer.response.startswith(f"{HOURS.chunk.text} [1]\n\n")
    assert answer.response.endswith(f"in the documents: do you insure bikes?\n\n{TO_A_PERSON}")
    assert 0.5 <= answer.confidence < 0.6


async def test_the_part_that_is_answered_may_come_second() -> None:
    answer = await answer_to("Do you insure bikes? And how can I pay?")
    assert answer.response.startswith(f"{PAYMENT.chunk.text} [1]\n\n")
    assert answer.response.endswith(f"Do you insure bikes?\n\n{TO_A_PERSON}")


async def test_where_no_part_is_answered_the_question_is_handed_off() -> None:
    answer = await answer_to("Do you insure bikes? And who repairs lamps?")
    assert answer.outcome is Outcome.HANDED_OFF
    assert "part of your question" not in answer.response


async def test_a_side_that_the_answer_lacks_is_added_to_it() -> None:
    answer = await answer_to("Are visitors told when shops are open and whether customers bring cash money?")
    assert answer.response == f"{HOURS.chunk.text} [1] {PAYMENT.chunk.text} [2]"


async def tickets_for(question: str, setup: Setup) -> tuple[Answer, list[str]]:
    """The answer, and the subjects of the tickets that it opened."""
    async with in_memory(setup) as subject:
        return await subject.ask(question), [ticket.subject for ticket in await subject.tickets()]


async def test_a_part_that_is_left_open_goes_to_a_person_under_its_own_words() -> None:
    answer, subjects = await tickets_for(OPEN_PART, Setup(retriever=WordRetriever()))
    assert answer.outcome is Outcome.ANSWERED
    assert answer.ticket_id is not None
    assert subjects == ["do you insure bikes?"]


async def test_where_missing_knowledge_opens_no_ticket_the_part_is_only_named() -> None:
    policy = Policy(tenant="default", handoff=HandoffPolicy(triggers=frozenset()))
    answer, subjects = await tickets_for(OPEN_PART, Setup(retriever=WordRetriever(), policy=policy))
    assert (answer.ticket_id, subjects) == (None, [])
    assert answer.response.endswith("in the documents: do you insure bikes?")


async def test_a_part_that_is_out_of_scope_costs_no_person_time() -> None:
    answer, subjects = await tickets_for(
        "When is the shop open and who won the race?", Setup(retriever=WordRetriever())
    )
    assert subjects == []
    assert answer.response.endswith("in the documents: who won the race?")
