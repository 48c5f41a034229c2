"""Last step: what the turn ends with. Pure, and the only place that asks for effects.

small talk                                   -> a friendly word
a wish for a person                          -> ticket, if the agent takes such wishes
nothing new while a person has the question  -> told so, and added to the ticket
mode HandoffOnly                             -> ticket
nothing says what the question is about      -> asked back, once
the answer did not help                      -> what another section says, once; else asked back, once
nothing but what the answer before has said  -> asked back, once
the same again                               -> ticket, if the agent hands that off
out of scope                                 -> declined; not a follow-up, nor in another language than the documents'
in scope, not answered, or not surely enough -> ticket, if the agent hands that off
answered by cited passages                   -> the answer, and a ticket for a part of the question that is left open
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from langgraph.runtime import Runtime

from supportplane_crds.support_agent import Trigger
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import TicketReason
from supportplane_runtime.domain.ending import Ending, OpenTicket
from supportplane_runtime.orchestrator import ending
from supportplane_runtime.orchestrator.drafts import Checked
from supportplane_runtime.orchestrator.gaps import with_gap
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.nodes.verify import response
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import Intent, TurnContext, TurnState, Understanding
from supportplane_runtime.rag.search.interfaces import Retrieval

SUBJECT_CHARACTERS: Final = 120

NOTHING: Final = Checked()

# The words for each reason, with and without a ticket, and the trigger that makes the difference.
_HANDED_OFF: Final = {
    TicketReason.CUSTOMER_REQUEST: "handed_off_customer_request",
    TicketReason.MISSING_KNOWLEDGE: "handed_off_missing_knowledge",
    TicketReason.LOW_CONFIDENCE: "handed_off_low_confidence",
    TicketReason.HANDOFF_ONLY: "handed_off_handoff_only",
}
_DECLINED: Final = {
    TicketReason.CUSTOMER_REQUEST: "declined_person",
    TicketReason.MISSING_KNOWLEDGE: "declined_missing_knowledge",
    TicketReason.LOW_CONFIDENCE: "declined_low_confidence",
}
_ASKS_BACK: Final = {Intent.UNDERSPECIFIED: "ask_back", Intent.UNHELPED: "did_not_help"}
_TRIGGER: Final = {
    TicketReason.CUSTOMER_REQUEST: Trigger.CUSTOMER_REQUEST,
    TicketReason.MISSING_KNOWLEDGE: Trigger.MISSING_KNOWLEDGE,
    TicketReason.LOW_CONFIDENCE: Trigger.LOW_CONFIDENCE,
}


class Gate(StrEnum):
    """What the evidence allows."""

    ANSWER = "answer"
    LOW_CONFIDENCE = "low_confidence"
    MISSING_KNOWLEDGE = "missing_knowledge"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Both 0..1, of Retrieval.confidence and Retrieval.in_scope, which are calibrated (ADR 0033, 0045).

    answer 0.32: of 300 answers that readers judged on three products, each product left out of the fit in turn, 76 of
    100 correct and 40 of 140 wrong ones are given, 5 of these to the 45 questions that the documents do not answer
    (ADR 0045). in_scope 0.25: of clinc150's out-of-scope questions
    4 % are in scope of this project's documentation and 2 % of mongodb_faq's (13 and 10 % at 0.12, 3 and 1 % at 0.3).
    All of their 105 answerable questions and 20 near misses have 0.5 and more, so half of that is left to others: a
    ticket too many costs a person a minute, one too few loses a customer.
    """

    answer: float = 0.32
    in_scope: float = 0.25


FITTED: Final = Thresholds()


def gate(retrieval: Retrieval, *, least_confidence: float | None, thresholds: Thresholds) -> Gate:
    if retrieval.evidence and retrieval.confidence >= thresholds.answer:
        too_low = least_confidence is not None and retrieval.confidence < least_confidence
        return Gate.LOW_CONFIDENCE if too_low else Gate.ANSWER
    return Gate.MISSING_KNOWLEDGE if retrieval.in_scope >= thresholds.in_scope else Gate.OUT_OF_SCOPE


@dataclass(frozen=True, slots=True)
class Decided:
    """All that a decision rests on."""

    understanding: Understanding
    retrieval: Retrieval | None = None
    checked: Checked = NOTHING


def decide(decided: Decided, policy: Policy, thresholds: Thresholds) -> Ending:
    ending = _without_documents(decided, policy)
    if ending is not None:
        return ending
    if decided.checked.sentences:
        return Ending(_answer(decided), _of_open_parts(decided, policy))
    if _was_shown_already(decided, thresholds):
        return Ending(_said("ask_back", Outcome.ASKED_BACK, decided))
    return _without_answer(decided, policy, thresholds)


def _was_shown_already(decided: Decided, thresholds: Thresholds) -> bool:
    """A follow-up of hardly a word to which the documents say only what the answer before has said."""
    known, retrieval = decided.understanding, decided.retrieval
    sure = retrieval is not None and retrieval.confidence >= thresholds.answer
    return sure and known.says_little and bool(known.ground.shown) and not known.ground.asked_back


def _without_documents(decided: Decided, policy: Policy) -> Ending | None:
    """What needs no answer from documents, or must have none."""
    known = decided.understanding
    if known.intent is Intent.SMALL_TALK and known.reply is not None:
        return Ending(_said(known.reply, Outcome.SMALL_TALK, decided, confidence=1.0))
    if known.intent is Intent.WAITING:
        # It joins the ticket that is open; a new one is opened only when that was closed meanwhile.
        ticket = _ticket(TicketReason.CUSTOMER_REQUEST, decided, policy)
        return Ending(_said("already_with_person", Outcome.HANDED_OFF, decided), (ticket,))
    if known.intent is Intent.PERSON or policy.hands_off_only:
        person = known.intent is Intent.PERSON
        return _hand_off(TicketReason.CUSTOMER_REQUEST if person else TicketReason.HANDOFF_ONLY, decided, policy)
    if known.intent is Intent.UNHELPED and decided.checked.sentences:
        return None
    if known.intent in _ASKS_BACK:
        return Ending(_said(_ASKS_BACK[known.intent], Outcome.ASKED_BACK, decided))
    return _hand_off(TicketReason.MISSING_KNOWLEDGE, decided, policy) if known.intent is Intent.STUCK else None


def _without_answer(decided: Decided, policy: Policy, thresholds: Thresholds) -> Ending:
    if decided.retrieval is None:
        return _hand_off(TicketReason.MISSING_KNOWLEDGE, decided, policy)
    found = gate(decided.retrieval, least_confidence=policy.handoff.least_confidence, thresholds=thresholds)
    if found is Gate.OUT_OF_SCOPE and decided.understanding.declinable:
        return Ending(_said("declined_out_of_scope", Outcome.DECLINED, decided))
    low = found is Gate.LOW_CONFIDENCE
    return _hand_off(TicketReason.LOW_CONFIDENCE if low else TicketReason.MISSING_KNOWLEDGE, decided, policy)


def _answer(decided: Decided) -> Answer:
    checked = decided.checked
    return Answer(
        response=response(checked),
        outcome=Outcome.ANSWERED,
        confidence=_confidence(decided),
        sources=checked.sources,
        language=decided.understanding.language,
        model_share=checked.model_share,
    )


def _hand_off(reason: TicketReason, decided: Decided, policy: Policy) -> Ending:
    """The kill switch always opens a ticket; the others only where the agent hands such questions off."""
    trigger = _TRIGGER.get(reason)
    if trigger is not None and trigger not in policy.handoff.triggers:
        return Ending(_said(_DECLINED[reason], Outcome.DECLINED, decided))
    return Ending(_said(_HANDED_OFF[reason], Outcome.HANDED_OFF, decided), (_ticket(reason, decided, policy),))


def _of_open_parts(decided: Decided, policy: Policy) -> tuple[OpenTicket, ...]:
    """One ticket for all parts of a question that the answer leaves to a person."""
    parts = decided.checked.for_a_person
    if not parts:
        return ()
    return (replace(_ticket(TicketReason.MISSING_KNOWLEDGE, decided, policy), subject=subject(" / ".join(parts))),)


def _ticket(reason: TicketReason, decided: Decided, policy: Policy) -> OpenTicket:
    return OpenTicket(
        reason=reason,
        subject=subject(decided.understanding.question),
        queue=policy.handoff.queue,
        per_hour=policy.handoff.visitor_tickets_per_hour,
    )


def _said(reply: str, outcome: Outcome, decided: Decided, *, confidence: float | None = None) -> Answer:
    spoken = decided.understanding.language
    return Answer(
        response=spoken_language(spoken).replies[reply],
        outcome=outcome,
        confidence=_confidence(decided) if confidence is None else confidence,
        language=spoken,
    )


def _confidence(decided: Decided) -> float:
    """That the documents answer the question; 0 where they were not asked."""
    return decided.retrieval.confidence if decided.retrieval is not None else 0.0


def subject(question: str) -> str:
    """One line for a list of tickets."""
    line = " ".join(question.split())
    return line if len(line) <= SUBJECT_CHARACTERS else f"{line[: SUBJECT_CHARACTERS - 1].rstrip()}…"


class DecideNode:
    def __init__(self, policy: Policy, thresholds: Thresholds) -> None:
        self._policy = policy
        self._thresholds = thresholds

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        decided = Decided(
            understanding=state["understanding"],
            retrieval=state.get("retrieval"),
            checked=state.get("checked", NOTHING),
        )
        ended = decide(decided, self._policy, self._thresholds)
        in_scope, is_partial = self._thresholds.in_scope, bool(decided.checked.note)
        ended = with_gap(ended, decided.understanding, decided.retrieval, in_scope=in_scope, is_partial=is_partial)
        if ended.effect(OpenTicket) is not None:
            runtime.context.emit(step_began("handoff", decided.understanding.language))
        runtime.context.conclude(ended)
        return {"ending": ending.to_text(ended)}
