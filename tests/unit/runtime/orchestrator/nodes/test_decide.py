from dataclasses import replace

import pytest

from support.runtime.turn_parts import BACKUP, ROTATE
from supportplane_crds.support_agent import Trigger
from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import TicketReason
from supportplane_runtime.domain.ending import Ending, OpenTicket
from supportplane_runtime.orchestrator.drafts import Author, Checked, CitedSentence
from supportplane_runtime.orchestrator.ending import from_text, to_text
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.nodes.decide import Decided, Gate, Thresholds, decide, gate, subject
from supportplane_runtime.orchestrator.policy import HandoffPolicy, Policy
from supportplane_runtime.orchestrator.state import Intent, Understanding
from supportplane_runtime.rag.search.interfaces import Retrieval

THRESHOLDS = Thresholds(answer=0.5, in_scope=0.3)
AUTO = Policy(tenant="t", handoff=HandoffPolicy(queue="second-line"))
KILLED = replace(AUTO, hands_off_only=True)
NO_TRIGGERS = replace(AUTO, handoff=HandoffPolicy(triggers=frozenset()))
CAREFUL = replace(
    AUTO, handoff=HandoffPolicy(triggers=frozenset({Trigger.LOW_CONFIDENCE}), least_confidence=0.8, queue="careful")
)

QUOTE = Source(1, "document-keys", "chunk-keys", "Keys", "https://docs.example/keys", "Keys are stored hashed.", 0.9)
CHECKED = Checked((CitedSentence("Keys are stored hashed.", Author.EXTRACT, 1),), (QUOTE,))


def asked(intent: Intent, *, reply: str | None = None, spoken: str = "en") -> Understanding:
    return Understanding(language=spoken, intent=intent, question="Who  am\nI?", asked="I?", reply=reply)


def found(confidence: float, *, in_scope: float = 0.9) -> Retrieval:
    return Retrieval("q", (ROTATE, BACKUP), confidence=confidence, in_scope=in_scope)


def ended(intent: Intent, policy: Policy, retrieval: Retrieval | None = None, checked: Checked = CHECKED) -> Ending:
    return decide(Decided(asked(intent), retrieval, checked), policy, THRESHOLDS)


NOTHING = Checked()
C, M, L, H = (
    TicketReason.CUSTOMER_REQUEST,
    TicketReason.MISSING_KNOWLEDGE,
    TicketReason.LOW_CONFIDENCE,
    TicketReason.HANDOFF_ONLY,
)
RULES: list[tuple[str, Intent, Policy, Retrieval | None, Checked, Outcome, TicketReason | None]] = [
    ("a wish for a person opens a ticket", Intent.PERSON, AUTO, None, NOTHING, Outcome.HANDED_OFF, C),
    ("unless the agent takes no such wishes", Intent.PERSON, NO_TRIGGERS, None, NOTHING, Outcome.DECLINED, None),
    ("the kill switch does not silence a wish", Intent.PERSON, KILLED, None, NOTHING, Outcome.HANDED_OFF, C),
    ("the kill switch hands every question off", Intent.QUESTION, KILLED, None, NOTHING, Outcome.HANDED_OFF, H),
    ("also a vague one", Intent.UNDERSPECIFIED, KILLED, None, NOTHING, Outcome.HANDED_OFF, H),
    ("a vague question is asked back", Intent.UNDERSPECIFIED, AUTO, None, NOTHING, Outcome.ASKED_BACK, None),
    ("cited sentences are the answer", Intent.QUESTION, AUTO, found(0.9), CHECKED, Outcome.ANSWERED, None),
    ("in scope without evidence", Intent.QUESTION, AUTO, found(0.2), NOTHING, Outcome.HANDED_OFF, M),
    ("evidence of which nothing is left", Intent.QUESTION, AUTO, found(0.9), NOTHING, Outcome.HANDED_OFF, M),
    ("missing knowledge is no trigger", Intent.QUESTION, NO_TRIGGERS, found(0.2), NOTHING, Outcome.DECLINED, None),
    ("out of scope", Intent.QUESTION, AUTO, found(0.1, in_scope=0.1), NOTHING, Outcome.DECLINED, None),
    ("an answer that did not help is asked about", Intent.UNHELPED, AUTO, None, NOTHING, Outcome.ASKED_BACK, None),
    ("the same again is for a person", Intent.STUCK, AUTO, None, NOTHING, Outcome.HANDED_OFF, M),
    ("if the agent hands off", Intent.STUCK, NO_TRIGGERS, None, NOTHING, Outcome.DECLINED, None),
    ("a person has it already", Intent.WAITING, AUTO, None, NOTHING, Outcome.HANDED_OFF, C),
    ("who is told so by the kill switch too", Intent.WAITING, KILLED, None, NOTHING, Outcome.HANDED_OFF, C),
    ("too little confidence for this agent", Intent.QUESTION, CAREFUL, found(0.7), NOTHING, Outcome.HANDED_OFF, L),
]


@pytest.mark.parametrize(
    ("intent", "policy", "retrieval", "checked", "outcome", "reason"),
    [row[1:] for row in RULES],
    ids=[r[0] for r in RULES],
)
def test_how_a_turn_ends(
    intent: Intent,
    policy: Policy,
    retrieval: Retrieval | None,
    checked: Checked,
    outcome: Outcome,
    reason: TicketReason | None,
) -> None:
    ending = ended(intent, policy, retrieval, checked)
    assert ending.answer.outcome is outcome
    queue = policy.handoff.queue
    assert ending.effect(OpenTicket) == (OpenTicket(reason, "Who am I?", queue) if reason else None)


def test_what_may_not_be_declined_as_out_of_scope_goes_to_a_person() -> None:
    known = replace(asked(Intent.QUESTION), declinable=False)
    ending = decide(Decided(known, found(0.1, in_scope=0.1)), AUTO, THRESHOLDS)
    assert ending.answer.outcome is Outcome.HANDED_OFF
    assert ending.effect(OpenTicket) == OpenTicket(M, "Who am I?", "second-line")


@pytest.mark.parametrize("policy", [AUTO, KILLED], ids=["auto", "handoff only"])
def test_small_talk_never_opens_a_ticket(policy: Policy) -> None:
    decided = Decided(asked(Intent.SMALL_TALK, reply="greeting", spoken="de"))
    ending = decide(decided, policy, THRESHOLDS)
    said = spoken_language("de").replies["greeting"]
    assert ending == Ending(Answer(said, Outcome.SMALL_TALK, confidence=1.0, language="de"))


def test_an_answer_carries_its_sentences_with_markers_and_its_sources() -> None:
    two = Checked((*CHECKED.sentences, CitedSentence("A backup is written.", Author.MODEL, 2)), CHECKED.sources)
    assert ended(Intent.QUESTION, AUTO, found(0.9), two).answer == Answer(
        response="Keys are stored hashed. [1] A backup is written. [2]",
        outcome=Outcome.ANSWERED,
        confidence=0.9,
        sources=(QUOTE,),
        language="en",
        model_share=0.5,
    )


GATES = [
    (0.5, 0.9, None, Gate.ANSWER),
    (0.49, 0.9, None, Gate.MISSING_KNOWLEDGE),
    (0.49, 0.3, None, Gate.MISSING_KNOWLEDGE),
    (0.49, 0.29, None, Gate.OUT_OF_SCOPE),
    (0.79, 0.9, 0.8, Gate.LOW_CONFIDENCE),
    (0.8, 0.9, 0.8, Gate.ANSWER),
    (0.9, 0.0, None, Gate.ANSWER),
]


@pytest.mark.parametrize(("confidence", "in_scope", "least", "expected"), GATES)
def test_the_gate_opens_at_its_thresholds(
    confidence: float, in_scope: float, least: float | None, expected: Gate
) -> None:
    assert gate(found(confidence, in_scope=in_scope), least_confidence=least, thresholds=THRESHOLDS) is expected


def test_without_evidence_nothing_is_answered_however_confident() -> None:
    empty = Retrieval("q", (), confidence=1.0, in_scope=1.0)
    assert gate(empty, least_confidence=None, thresholds=THRESHOLDS) is Gate.MISSING_KNOWLEDGE


def test_a_subject_is_one_short_line() -> None:
    assert subject("a\n b\t c") == "a b c"
    assert len(subject("x" * 500)) == 120


@pytest.mark.parametrize("row", RULES, ids=[row[0] for row in RULES])
def test_an_ending_survives_its_checkpoint(
    row: tuple[str, Intent, Policy, Retrieval | None, Checked, Outcome, object],
) -> None:
    ending = ended(row[1], row[2], row[3], row[4])
    assert from_text(to_text(ending)) == ending
