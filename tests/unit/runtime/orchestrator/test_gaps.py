from dataclasses import replace

import pytest

from support.runtime.turn_parts import BACKUP, ROTATE, passage
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import TicketReason
from supportplane_runtime.domain.ending import Ending, NoteGap, OpenTicket
from supportplane_runtime.domain.gaps import GapReason, NearDocument
from supportplane_runtime.orchestrator.ending import from_text, to_text
from supportplane_runtime.orchestrator.gaps import nearest, with_gap
from supportplane_runtime.orchestrator.state import Intent, Understanding
from supportplane_runtime.rag.search.interfaces import Retrieval

KNOWN = Understanding("en", Intent.QUESTION, "How do I rotate?\nAnd on Mars?", "And on Mars?")
FOUND = Retrieval("And on Mars?", (ROTATE, BACKUP), confidence=0.2, in_scope=0.5)
NEAR = (
    NearDocument("document-keys", "Keys", "https://docs.example/keys"),
    NearDocument("document-backup", "Backup", "https://docs.example/backup"),
)


def ending(outcome: Outcome, *, ticket: TicketReason | None = None, confidence: float = 0.2) -> Ending:
    effects = (OpenTicket(ticket, "Mars"),) if ticket else ()
    return Ending(Answer("...", outcome, confidence), effects)


T, D, S, U = GapReason.TICKET, GapReason.DECLINED, GapReason.OUT_OF_SCOPE, GapReason.UNSURE
RULES: list[tuple[str, Ending, Retrieval, GapReason | None]] = [
    ("missing", ending(Outcome.HANDED_OFF, ticket=TicketReason.MISSING_KNOWLEDGE), FOUND, T),
    ("low confidence", ending(Outcome.HANDED_OFF, ticket=TicketReason.LOW_CONFIDENCE), FOUND, T),
    ("a wish for a person", ending(Outcome.HANDED_OFF, ticket=TicketReason.CUSTOMER_REQUEST), FOUND, None),
    ("the kill switch", ending(Outcome.HANDED_OFF, ticket=TicketReason.HANDOFF_ONLY), FOUND, None),
    ("declined", ending(Outcome.DECLINED), FOUND, D),
    ("out of scope", ending(Outcome.DECLINED), replace(FOUND, in_scope=0.1), S),
    ("unsure", ending(Outcome.ANSWERED, confidence=0.55), FOUND, U),
    ("sure", ending(Outcome.ANSWERED, confidence=0.6), FOUND, None),
]


@pytest.mark.parametrize(("ended", "found", "reason"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_which_questions_are_gaps(ended: Ending, found: Retrieval, reason: GapReason | None) -> None:
    noted = with_gap(ended, KNOWN, found, in_scope=0.3, is_partial=False)

    assert noted.effect(NoteGap) == (NoteGap(reason, KNOWN.question, NEAR) if reason else None)
    assert noted.effect(OpenTicket) == ended.effect(OpenTicket)
    assert noted.answer == ended.answer
    assert from_text(to_text(noted)) == noted


@pytest.mark.parametrize("intent", [Intent.PERSON, Intent.SMALL_TALK, Intent.UNDERSPECIFIED])
def test_what_is_no_question_is_no_gap(intent: Intent) -> None:
    declined = ending(Outcome.DECLINED)
    assert with_gap(declined, replace(KNOWN, intent=intent), FOUND, in_scope=0.3, is_partial=False) == declined
    assert with_gap(declined, KNOWN, None, in_scope=0.3, is_partial=False) == declined


def test_the_nearest_documents_are_those_of_the_best_passages_once_each() -> None:
    names = ("a", "b", "a", "c", "d")
    found = nearest(replace(FOUND, evidence=tuple(passage("text", name=name) for name in names)))
    assert [each.document_id for each in found] == ["document-a", "document-b", "document-c"]


def test_an_answer_that_leaves_a_part_open_is_one() -> None:
    answered = ending(Outcome.ANSWERED, confidence=0.9)
    noted = with_gap(answered, KNOWN, FOUND, in_scope=0.3, is_partial=True)
    assert noted == replace(answered, effects=(NoteGap(GapReason.PARTIAL, KNOWN.question, NEAR),))
