"""What of a conversation a message leans on, and that our own words are none of it."""

import pytest

from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.languages import REPLIES
from supportplane_runtime.orchestrator.exchange import NO_GROUND, Exchange, Ground, exchanges, ground
from supportplane_runtime.orchestrator.language import spoken_language, spoken_languages

ENGLISH = spoken_language("en")
KEYS = Exchange("How do I rotate an API key?", "Run keys create. [1]", Outcome.ANSWERED)
THANKED = Exchange("thanks", "You are welcome!", Outcome.SMALL_TALK)
NO_HELP = Exchange("that did not help", "I am sorry.", Outcome.ASKED_BACK)
PASSED_ON = Exchange("And on Windows?", "I have passed it on.", Outcome.HANDED_OFF)


def user(text: str) -> Message:
    return Message(Role.USER, text)


def ours(text: str, outcome: Outcome | None = None) -> Message:
    return Message(Role.ASSISTANT, text, outcome=outcome)


ANSWER = ours("Run keys create. [1]", Outcome.ANSWERED)


def test_an_exchange_has_the_outcome_of_its_turn() -> None:
    history = [user("How?"), ours("So.", Outcome.ANSWERED), user("And?"), user("Why?"), ours("No.", Outcome.DECLINED)]
    assert exchanges(history, ENGLISH) == [
        Exchange("How?", "So.", Outcome.ANSWERED),
        Exchange("And?"),
        Exchange("Why?", "No.", Outcome.DECLINED),
    ]


def test_a_reply_whose_question_was_cut_off_is_left_out() -> None:
    assert exchanges([ours("So.")], ENGLISH) == []


SET_PHRASES = [
    (known.code, key) for known in spoken_languages().values() for key in REPLIES if key != "part_unanswered"
]


@pytest.mark.parametrize(("code", "key"), SET_PHRASES)
def test_a_set_phrase_is_told_by_its_wording_in_any_language(code: str, key: str) -> None:
    (only,) = exchanges([user("How do I pay?"), ours(spoken_language(code).replies[key])], ENGLISH)
    assert only.outcome not in (None, Outcome.ANSWERED)


GROUNDS = [
    ("nothing was said", [], False, NO_GROUND),
    (
        "an answered question is searched with its answer",
        [KEYS],
        False,
        Ground((KEYS.question,), (user(KEYS.question), ANSWER), shown=(KEYS.reply,), in_scope=True),
    ),
    (
        "small talk in between is passed over",
        [KEYS, THANKED],
        False,
        Ground((KEYS.question,), (user(KEYS.question), ANSWER), shown=(KEYS.reply,), in_scope=True),
    ),
    (
        "the words by which a question was passed on are not searched",
        [KEYS, PASSED_ON],
        False,
        Ground(
            (KEYS.question, PASSED_ON.question),
            (user(KEYS.question), ANSWER, user(PASSED_ON.question)),
            shown=(KEYS.reply,),
            in_scope=True,
        ),
    ),
    (
        "an answer that did not help is shown, but not searched",
        [KEYS, NO_HELP],
        False,
        Ground(
            (KEYS.question,),
            (user(KEYS.question),),
            shown=(KEYS.reply,),
            rejected=(KEYS.reply,),
            asked_back=True,
            in_scope=True,
        ),
    ),
    (
        "the message itself says that the answer did not help",
        [KEYS],
        True,
        Ground((KEYS.question,), (user(KEYS.question),), (KEYS.reply,), (KEYS.reply,), in_scope=True),
    ),
    (
        "it reaches back to a question that stands for itself and no further",
        [Exchange("Where is the log file?", "Here.", Outcome.ANSWERED), KEYS],
        False,
        Ground((KEYS.question,), (user(KEYS.question), ANSWER), shown=(KEYS.reply,), in_scope=True),
    ),
]


@pytest.mark.parametrize(
    ("said", "rejected", "expected"), [row[1:] for row in GROUNDS], ids=[row[0] for row in GROUNDS]
)
def test_what_a_message_leans_on(said: list[Exchange], rejected: bool, expected: Ground) -> None:
    assert ground(said, ENGLISH, rejected=rejected) == expected
