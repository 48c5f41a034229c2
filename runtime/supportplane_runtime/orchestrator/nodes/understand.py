"""First step: what language, what kind of message, and what question it is once the conversation is read into it.

Pure and without a model: phrases and patterns of ``languages``, so it costs a fraction of a millisecond and cannot
be talked into anything. Whether a question is out of scope needs the documents and is decided after retrieval.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.orchestrator.exchange import NO_GROUND, Exchange, Ground, business, exchanges, ground
from supportplane_runtime.orchestrator.foreign import is_foreign
from supportplane_runtime.orchestrator.language import SpokenLanguage, content, detect, spoken_language, wishes_in
from supportplane_runtime.orchestrator.leaning import Leaning, leaning
from supportplane_runtime.orchestrator.phrases import plain
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.remarks import awaits, begins_with_rejection, denies_only, is_aside, rejects
from supportplane_runtime.orchestrator.small_talk import small_talk_kind
from supportplane_runtime.orchestrator.state import Intent, TurnContext, TurnState, Understanding

# Words of its own. Three of mtrag_un's follow-ups have so few. Judged with what they lean on, one more is answered and
# none that is out of scope; of all that lean it would be three of 14 more, and four of nine out of scope.
LITTLE = 1

# What a message means that says only that the reply before did not help.
_REJECTED = {
    Outcome.ANSWERED: Intent.UNHELPED,
    Outcome.ASKED_BACK: Intent.STUCK,
    Outcome.DECLINED: Intent.STUCK,
    Outcome.HANDED_OFF: Intent.WAITING,
}


def understand(
    message: str, history: Sequence[Message], *, expected_language: str, of_documents: Collection[str] | None = None
) -> Understanding:
    """of_documents: their languages, None: the expected one."""
    spoken = detect(message, expected=_language_so_far(history, expected_language))
    known = spoken_language(spoken)
    said = exchanges(history, known)
    talk = _small_talk(message, said, known)
    if talk is not None:
        kind, code = talk
        return Understanding(code, Intent.SMALL_TALK, message, message, reply=kind)
    asked = begins_with_rejection(message, known) if business(said) else None
    leans, found = _leans_on(message, asked, said, known)
    asked = asked or message
    wished = wishes_in(message, known)
    intent = Intent.PERSON if wished is not None else _intent(message, said, found, known)
    if intent is Intent.UNHELPED and found.questions and not found.retried:
        return _once_more(found, spoken)
    foreign = is_foreign(message, spoken, of_documents or (expected_language,))
    return Understanding(
        wished or spoken,
        intent,
        "\n".join([*found.questions, asked]),
        asked,
        leaning=leans,
        ground=found,
        says_little=leans is Leaning.LEANS and bool(found.questions) and len(content(asked, known)) <= LITTLE,
        declinable=not (foreign or found.in_scope or asked != message),
    )


def _once_more(found: Ground, spoken: str) -> Understanding:
    """The question before is asked of the documents again, without what did not help."""
    *before, asked = found.questions
    found = replace(found, messages=found.messages[:-1])
    question = "\n".join([*before, asked])
    return Understanding(
        spoken, Intent.UNHELPED, question, asked, leaning=Leaning.LEANS, ground=found, declinable=False
    )


def _intent(message: str, said: Sequence[Exchange], found: Ground, known: SpokenLanguage) -> Intent:
    before = business(said)
    last = before[-1].outcome if before else None
    if last is Outcome.HANDED_OFF and (is_aside(message, known) or _greets(message, known)):
        return Intent.WAITING
    if last is not None and rejects(message, known):
        return Intent.STUCK if found.asked_back else _REJECTED[last]
    if awaits(message, known) and any(each.outcome is Outcome.HANDED_OFF for each in before):
        return Intent.WAITING
    if content(message, known) or (found.questions and last is not Outcome.ASKED_BACK):
        return Intent.QUESTION
    return Intent.STUCK if last is Outcome.ASKED_BACK else Intent.UNDERSPECIFIED


def _leans_on(
    message: str, after_rejection: str | None, said: Sequence[Exchange], known: SpokenLanguage
) -> tuple[Leaning, Ground]:
    """How the message leans, and on what. after_rejection: what follows a `No.`; None where there is none."""
    before = business(said)
    how = leaning(after_rejection or message, known)
    rejected = after_rejection is not None or rejects(message, known)
    clarifies = bool(before) and before[-1].outcome is Outcome.ASKED_BACK
    if (rejected or clarifies) and not (how is Leaning.STANDS and message.rstrip().endswith("?")):
        how = Leaning.LEANS
    if how is Leaning.STANDS:
        return how, NO_GROUND
    found = ground(said, known, rejected=rejected)
    return (how, found) if found.questions else (Leaning.STANDS, found)


def _small_talk(message: str, said: Sequence[Exchange], known: SpokenLanguage) -> tuple[str, str] | None:
    """(kind, language) of a message that needs no more than a friendly word. After a handover a greeting asks for the
    person (`hello?`), after a friendly word a `no` says that there is nothing else.
    """
    last = said[-1].outcome if said else None
    if last is Outcome.SMALL_TALK and denies_only(message, known):
        return "farewell", known.code
    found = small_talk_kind(plain(message), known)
    before = business(said)
    handed_off = bool(before) and before[-1].outcome is Outcome.HANDED_OFF
    return None if found is not None and found[0] == "greeting" and handed_off else found


def _greets(message: str, known: SpokenLanguage) -> bool:
    return small_talk_kind(plain(message), known) is not None


def _language_so_far(history: Sequence[Message], expected: str) -> str:
    """The language of the conversation's last question, so that a short `ok?` does not switch it."""
    before = next((message.content for message in reversed(history) if message.role is Role.USER), None)
    return expected if before is None else detect(before, expected=expected)


class UnderstandNode:
    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        policy = self._policy
        runtime.context.emit(step_began("understand", policy.language))
        known = understand(
            state["turn"].question,
            state["history"],
            expected_language=policy.language,
            of_documents=policy.document_languages or None,
        )
        return {"understanding": known}
