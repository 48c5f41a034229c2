"""What of a conversation a message leans on. Pure, called by nodes/understand.py.

Our own set phrases are left out: searched, "passed your question to a person" finds the page about personnel. They are
told by the outcome of their turn, or by their wording where whoever gives the history knows no outcomes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.languages import REPLIES, SMALL_TALK
from supportplane_runtime.orchestrator.language import SpokenLanguage, spoken_languages
from supportplane_runtime.orchestrator.leaning import Leaning, leaning
from supportplane_runtime.orchestrator.phrases import plain
from supportplane_runtime.orchestrator.remarks import is_aside, rejects
from supportplane_runtime.orchestrator.small_talk import is_small_talk

# A follow-up to a follow-up to a follow-up; what lies further back is another subject. A guess.
MAX_ANTECEDENTS: Final = 3

_OUTCOMES: Final[Mapping[str, Outcome]] = {
    **dict.fromkeys(SMALL_TALK, Outcome.SMALL_TALK),
    **dict.fromkeys(("ask_back", "did_not_help"), Outcome.ASKED_BACK),
    **dict.fromkeys(
        [key for key in REPLIES if key.startswith("handed_off") or key == "already_with_person"], Outcome.HANDED_OFF
    ),
    **dict.fromkeys([key for key in REPLIES if key.startswith("declined")], Outcome.DECLINED),
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what came of it; outcome None: no reply, since its turn failed or is still being worked on."""

    question: str
    reply: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a message leans on, oldest first. questions: without words that add nothing.

    messages: questions and answers to search with, without answers that did not help. shown: the text of the answers;
    rejected: of those that did not help. retried: whether another answer was given after one that did not.
    asked_back: whether we asked back on the way. in_scope: whether an answer or a person's ticket stands on the way, so
    that it belongs to what the documents are about.
    """

    questions: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    shown: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    asked_back: bool = False
    in_scope: bool = False
    retried: bool = False


NO_GROUND: Final = Ground()


def exchanges(history: Sequence[Message], known: SpokenLanguage) -> list[Exchange]:
    """Oldest first. A reply whose question was cut off is left out."""
    found: list[Exchange] = []
    for message in history:
        if message.role is Role.USER:
            found.append(Exchange(message.content))
        elif found and found[-1].outcome is None:
            question = found[-1].question
            found[-1] = Exchange(question, message.content, message.outcome or _outcome(question, message, known))
    return found


def _outcome(question: str, reply: Message, known: SpokenLanguage) -> Outcome:
    """By the wording, also of the question: another agent's friendly words may be others than ours."""
    said = _set_phrases().get(reply.content)
    if said is None and is_small_talk(plain(question), known):
        return Outcome.SMALL_TALK
    return said or Outcome.ANSWERED


def business(said: Sequence[Exchange]) -> list[Exchange]:
    """All but small talk."""
    return [each for each in said if each.outcome is not Outcome.SMALL_TALK]


def ground(said: Sequence[Exchange], known: SpokenLanguage, *, rejected: bool) -> Ground:
    """Back to the last question that stands for itself, a few at most. rejected: the last answer did not help."""
    found: list[tuple[Exchange, bool]] = []
    others: list[tuple[str, bool]] = []  # answers to a question that was answered before, in vain
    asked_back = False
    for each in reversed(business(said)):
        asked_back = asked_back or each.outcome is Outcome.ASKED_BACK
        if each.outcome is Outcome.ANSWERED and rejects(each.question, known):
            others.insert(0, (each.reply, rejected))
            rejected = True
            continue
        if each.outcome is not Outcome.ANSWERED and is_aside(each.question, known):
            rejected = rejected or each.outcome is Outcome.ASKED_BACK
            continue
        found.insert(0, (each, rejected))
        rejected = False
        if len(found) == MAX_ANTECEDENTS or leaning(each.question, known) is Leaning.STANDS:
            break
    answers = [*((each.reply, bad) for each, bad in found if each.outcome is Outcome.ANSWERED), *others]
    helped = [Message(Role.ASSISTANT, reply, outcome=Outcome.ANSWERED) for reply, bad in others if not bad]
    return Ground(
        questions=tuple(each.question for each, _ in found),
        messages=(*(message for each, bad in found for message in _messages(each, rejected=bad)), *helped),
        shown=tuple(reply for reply, _ in answers),
        rejected=tuple(reply for reply, bad in answers if bad),
        asked_back=asked_back,
        in_scope=any(each.outcome in (Outcome.ANSWERED, Outcome.HANDED_OFF) for each, _ in found),
        retried=bool(others),
    )


def _messages(each: Exchange, *, rejected: bool) -> Iterator[Message]:
    yield Message(Role.USER, each.question)
    if each.outcome is Outcome.ANSWERED and not rejected:
        yield Message(Role.ASSISTANT, each.reply, outcome=each.outcome)


@cache
def _set_phrases() -> Mapping[str, Outcome]:
    """The outcome of each of our own replies, in every language."""
    return {known.replies[key]: outcome for known in spoken_languages().values() for key, outcome in _OUTCOMES.items()}
