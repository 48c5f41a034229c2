"""Conversations in memory: what each message ends with, how many tickets there are, and what was searched."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import pytest

from support.runtime.turn_parts import FixedRetriever, passage
from support.runtime.turn_subject import Setup, in_memory
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import Message, Turn, TurnStatus
from supportplane_runtime.domain.knowledge import Evidence
from supportplane_runtime.orchestrator.drafters import PassageDrafter
from supportplane_runtime.orchestrator.exchange import Ground
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.policy import HandoffPolicy, Policy
from supportplane_runtime.orchestrator.state import Intent, Understanding
from supportplane_runtime.rag.search.interfaces import Retrieval

ROTATE = passage("To rotate an API key, run supportplane keys create.")
REVOKE = passage("To rotate an API key by hand, revoke the old one.", name="revoke", score=0.8)
REPLIES = spoken_language("en").replies
KEYS = "How do I rotate an API key?"
SHOWN = "To rotate an API key, run supportplane keys create."
TURN = Turn("t", uuid4(), uuid4(), "ada", "q", {}, TurnStatus.ACCEPTED)


@dataclass
class Finds(FixedRetriever):
    """Answers questions about keys, and a follow-up only with the exchange before it."""

    searched: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    async def retrieve(self, question: str, history: Sequence[Message], *, limit: int) -> Retrieval:
        before = tuple(message.content for message in history)
        self.searched.append((question, before))
        knows = "key" in " ".join((question, *before))
        sure, scope = (0.9, 0.9) if knows else (0.1, 0.05)
        return Retrieval(question, tuple(self.evidence[:limit]), confidence=sure, in_scope=scope)


async def talk(
    *messages: str, policy: Policy | None = None, evidence: Sequence[Evidence] = (ROTATE, REVOKE)
) -> tuple[list[Answer], Finds, int]:
    """The answers to the messages of one conversation, what was searched, and the number of tickets."""
    retriever = Finds(evidence=tuple(evidence))
    setup = Setup(retriever=retriever) if policy is None else Setup(retriever=retriever, policy=policy)
    async with in_memory(setup) as subject:
        answers: list[Answer] = []
        conversation: UUID | None = None
        for message in messages:
            answers.append(await subject.ask(message, conversation_id=conversation))
            conversation = (
                (await subject.records.conversations("default", user_id=None, after=None, limit=1))
                .items[0]
                .conversation_id
            )
        return answers, retriever, len(await subject.tickets())


async def test_a_question_that_stands_for_itself_is_searched_as_in_a_fresh_conversation() -> None:
    _, retriever, _ = await talk(KEYS, "How do I change the port?")
    assert retriever.searched == [(KEYS, ()), ("How do I change the port?", ())]


async def test_a_follow_up_is_searched_with_what_it_leans_on_beyond_small_talk() -> None:
    answers, retriever, _ = await talk(KEYS, "thanks!", "and how do I revoke it by hand?")
    assert retriever.searched[1] == ("and how do I revoke it by hand?", (KEYS, answers[0].response))
    assert answers[2].outcome is Outcome.ANSWERED


async def test_a_doubtful_question_is_asked_alone_first_and_then_with_the_conversation() -> None:
    answers, retriever, _ = await talk(KEYS, "And can other people see my data?")
    assert [before for _, before in retriever.searched] == [(), (), (KEYS, answers[0].response)]


async def test_the_words_of_a_handover_are_never_searched() -> None:
    answers, retriever, _ = await talk("How do I fly?", "And to the moon?")
    assert answers[0].outcome is Outcome.DECLINED
    assert retriever.searched[-1] == ("And to the moon?", ("How do I fly?",))


async def test_an_answer_that_did_not_help_brings_another_section_then_is_asked_about_then_goes_to_a_person() -> None:
    answers, _, tickets = await talk(KEYS, "that did not help", "no, that's not it", "still wrong", "any news?")
    assert [each.outcome for each in answers] == [
        Outcome.ANSWERED,
        Outcome.ANSWERED,
        Outcome.ASKED_BACK,
        Outcome.HANDED_OFF,
        Outcome.HANDED_OFF,
    ]
    assert [source.chunk_id for source in answers[1].sources] == [REVOKE.chunk.chunk_id]
    assert answers[1].confidence < answers[0].confidence
    assert answers[2].response == REPLIES["did_not_help"]
    assert answers[4].response == REPLIES["already_with_person"]
    assert answers[4].ticket_id == answers[3].ticket_id
    assert tickets == 1


async def test_where_no_other_section_is_sure_enough_it_is_asked_back_at_once() -> None:
    policy = Policy(tenant="default", handoff=HandoffPolicy(least_confidence=0.85))
    answers, _, _ = await talk(KEYS, "that did not help", policy=policy)
    assert [each.outcome for each in answers] == [Outcome.ANSWERED, Outcome.ASKED_BACK]


async def test_another_passage_of_the_section_that_did_not_help_is_not_brought() -> None:
    beside = replace(REVOKE, chunk=replace(REVOKE.chunk, document_id=ROTATE.chunk.document_id, heading_path=("Keys",)))
    rotate = replace(ROTATE, chunk=replace(ROTATE.chunk, heading_path=("Keys",)))
    answers, _, _ = await talk(KEYS, "that did not help", evidence=(rotate, beside))
    assert [each.outcome for each in answers] == [Outcome.ANSWERED, Outcome.ASKED_BACK]


async def test_what_did_not_help_is_not_quoted_again() -> None:
    answers, _, _ = await talk(KEYS, "No. I mean the key of the widget")
    assert answers[0].sources[0].chunk_id == ROTATE.chunk.chunk_id
    assert [source.chunk_id for source in answers[1].sources] == [REVOKE.chunk.chunk_id]


@pytest.mark.parametrize("message", ["it does not work", "hello?", "any news?", "still waiting", "???"])
async def test_after_a_handover_a_vague_word_is_told_that_a_person_is_on_it(message: str) -> None:
    answers, retriever, tickets = await talk("I want to talk to a person", message)
    assert (answers[1].response, tickets) == (REPLIES["already_with_person"], 1)
    assert answers[1].ticket_id == answers[0].ticket_id
    assert retriever.searched == []


async def test_after_a_handover_a_question_is_answered() -> None:
    answers, _, _ = await talk("I want to talk to a person", KEYS)
    assert answers[1].outcome is Outcome.ANSWERED


async def test_after_a_friendly_word_a_no_is_a_goodbye() -> None:
    answers, _, tickets = await talk(KEYS, "thanks", "no")
    assert (answers[2].response, tickets) == (REPLIES["farewell"], 0)


async def test_a_complaint_is_never_declined_as_out_of_scope() -> None:
    answers, _, _ = await talk("How do I fly?", "that did not help")
    assert answers[1].outcome is Outcome.HANDED_OFF


async def test_a_question_in_another_language_than_the_documents_is_never_declined() -> None:
    german, english = await talk("Wie kann ich fliegen?"), await talk("How do I fly?")
    assert (german[0][0].outcome, english[0][0].outcome) == (Outcome.HANDED_OFF, Outcome.DECLINED)
    both = Policy(tenant="default", document_languages=frozenset({"de", "en"}))
    assert (await talk("Wie kann ich fliegen?", policy=both))[0][0].outcome is Outcome.DECLINED


async def test_a_second_complaint_in_the_same_matter_goes_to_a_person() -> None:
    widget = passage("The key of the widget to rotate is public.", name="widget", score=0.8)
    said = (KEYS, "wrong", "wrong", "I mean the key of the widget", "still wrong")
    answers, _, _ = await talk(*said, evidence=(ROTATE, REVOKE, widget))
    assert [each.outcome for each in answers[2:]] == [Outcome.ASKED_BACK, Outcome.ANSWERED, Outcome.HANDED_OFF]


async def test_a_follow_up_of_hardly_a_word_is_judged_with_what_it_leans_on() -> None:
    answers, retriever, _ = await talk(KEYS, "and how do I undo that?")
    assert retriever.searched[1:] == [
        ("and how do I undo that?", (KEYS, answers[0].response)),
        (f"{KEYS}\nand how do I undo that?", ()),
    ]
    assert answers[1].outcome is Outcome.ASKED_BACK  # the documents say only what was shown


async def test_a_follow_up_is_quoted_what_was_not_shown_yet() -> None:
    known = Understanding(
        "en", Intent.QUESTION, f"{KEYS}\nand the old one?", "and the old one?", ground=Ground(shown=(f"{SHOWN} [1]",))
    )
    retrieval = Retrieval("and the old one?", (passage(SHOWN),), confidence=0.9, in_scope=0.9)
    alone = [draft.text async for draft in PassageDrafter().drafts(TURN, known, retrieval)]
    assert alone == [SHOWN]  # nothing else answers it
    rejected = replace(known, ground=Ground(shown=(SHOWN,), rejected=(SHOWN,)))
    assert [draft async for draft in PassageDrafter().drafts(TURN, rejected, retrieval)] == []
