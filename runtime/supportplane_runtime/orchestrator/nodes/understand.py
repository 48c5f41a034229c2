"""First step: what language, what kind of message, and what question it is once the conversation is read into it.

Pure and without a model: phrases and patterns of ``languages``, so it costs a fraction of a millisecond and cannot
be talked into anything. Whether a question is out of scope needs the documents and is decided after retrieval.
"""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.orchestrator.language import (
    SpokenLanguage,
    content,
    detect,
    spoken_language,
    spoken_languages,
    wishes_in,
)
from supportplane_runtime.orchestrator.phrases import plain
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.progress import step_began
from supportplane_runtime.orchestrator.state import Intent, TurnContext, TurnState, Understanding

# A longer question stands for itself even if it begins with "and" or "it". A guess, like the next number.
LEANING_LEXEMES = 6
MAX_ANTECEDENTS = 3
# Some phrases are made of others and fillers ("thank you very much"), so the pattern has several ways through each: on
# a long message it would try all of them together, which are 2 to the power of their number.
MAX_SMALL_TALK_WORDS = 16


def understand(message: str, history: Sequence[Message], *, expected_language: str) -> Understanding:
    spoken = detect(message, expected=_language_so_far(history, expected_language))
    known = spoken_language(spoken)
    words = plain(message)
    clarifies = asked_back(history)
    question = _in_context(message, history, known, clarifies=clarifies)
    small_talk = small_talk_kind(words, known)
    if small_talk is not None:
        kind, spoken = small_talk
        return Understanding(spoken, Intent.SMALL_TALK, message, reply=kind)
    wished = wishes_in(message, known)
    if wished is not None:
        return Understanding(wished, Intent.PERSON, question, clarifies=clarifies)
    if is_vague(question, known) and not clarifies:
        return Understanding(spoken, Intent.UNDERSPECIFIED, question)
    return Understanding(spoken, Intent.QUESTION, question, clarifies=clarifies)


def small_talk_kind(words: str, known: SpokenLanguage) -> tuple[str, str] | None:
    """(kind, language) of a message that is nothing but small talk, in the expected language first: `ok` is in all."""
    for candidate in (known, *(other for other in spoken_languages().values() if other is not known)):
        if is_small_talk(words, candidate):
            kinds = candidate.small_talk_kinds
            return next(kind for kind, pattern in kinds.items() if pattern.search(words)), candidate.code
    return None


def is_small_talk(words: str, known: SpokenLanguage) -> bool:
    return words.count(" ") < MAX_SMALL_TALK_WORDS and known.small_talk.fullmatch(words) is not None


def is_vague(question: str, known: SpokenLanguage) -> bool:
    """Nothing in it says what it is about: `it does not work`."""
    return not content(question, known)


def asked_back(history: Sequence[Message]) -> bool:
    """Our last words were the question back. Told by its wording, which is the same in every conversation."""
    if not history or history[-1].role is not Role.ASSISTANT:
        return False
    return any(history[-1].content == known.replies["ask_back"] for known in spoken_languages().values())


def leans_back(message: str, known: SpokenLanguage) -> bool:
    """A follow-up that cannot be understood alone: `and on Windows?`."""
    said = content(message, known)
    if not said:
        return True
    return len(said) < LEANING_LEXEMES and known.leaning.search(plain(message)) is not None


def _in_context(message: str, history: Sequence[Message], known: SpokenLanguage, *, clarifies: bool) -> str:
    if not (clarifies or leans_back(message, known)):
        return message
    return "\n".join([*_antecedents(history, known), message])


def _antecedents(history: Sequence[Message], known: SpokenLanguage) -> list[str]:
    """The questions a follow-up leans on: back to the last one that stands for itself, a few at most."""
    found: list[str] = []
    for message in reversed(history):
        if message.role is Role.USER and not is_small_talk(plain(message.content), known):
            found.insert(0, message.content)
            if len(found) == MAX_ANTECEDENTS or not leans_back(message.content, known):
                break
    return found


def _language_so_far(history: Sequence[Message], expected: str) -> str:
    """The language of the conversation's last question, so that a short `ok?` does not switch it."""
    before = next((message.content for message in reversed(history) if message.role is Role.USER), None)
    return expected if before is None else detect(before, expected=expected)


class UnderstandNode:
    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def __call__(self, state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        runtime.context.emit(step_began("understand", self._policy.language))
        known = understand(state["turn"].question, state["history"], expected_language=self._policy.language)
        return {"understanding": known}
