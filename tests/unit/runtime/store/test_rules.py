from dataclasses import replace
from uuid import uuid4

import pytest

from support.runtime.store_samples import ANSWER, question
from supportplane_runtime.domain.conversation import Turn, TurnStatus
from supportplane_runtime.errors import InvalidRequest, TurnFailed
from supportplane_runtime.store.rules import conversation_of, ensure_finished, ensure_key_name, turn_audit


def turn() -> Turn:
    request = question("acme")
    return Turn(
        tenant="acme",
        turn_id=request.turn_id,
        conversation_id=conversation_of(request),
        user_id="alice",
        question=request.question,
        context={},
        status=TurnStatus.ACCEPTED,
    )


def test_a_new_conversation_has_the_same_id_each_time_its_first_turn_is_sent() -> None:
    request = question("acme")

    assert conversation_of(request) == conversation_of(request)
    assert conversation_of(request) != conversation_of(replace(request, turn_id=uuid4()))
    assert conversation_of(request) != conversation_of(replace(request, tenant="other"))


def test_a_named_conversation_is_the_one() -> None:
    conversation_id = uuid4()

    assert conversation_of(question("acme", conversation_id=conversation_id)) == conversation_id


def test_an_ended_turn_without_an_answer_names_its_reason() -> None:
    failed = replace(turn(), status=TurnStatus.FAILED, failure="model-unavailable")

    with pytest.raises(TurnFailed, match=r"failed.*model-unavailable"):
        ensure_finished(failed)
    assert ensure_finished(replace(turn(), status=TurnStatus.FINISHED, answer=ANSWER)) == ANSWER


def test_the_audit_of_a_turn_holds_nothing_that_was_said() -> None:
    entry = turn_audit(replace(turn(), status=TurnStatus.FINISHED, answer=ANSWER), "key-1", "helpdesk")

    for text in (turn().question, ANSWER.response, ANSWER.sources[0].quote):
        assert text not in repr(entry)


@pytest.mark.parametrize("name", ["shop-backend", "Büro 2", "ключ 👩\u200d👧", "\u200fמפתח"])
def test_a_key_may_be_named_in_every_script(name: str) -> None:
    assert ensure_key_name(name) == name


@pytest.mark.parametrize(
    ("name", "where"),
    [("a\x1b[0m", "2 is U+001B"), ("\u202ea", "1 is U+202E"), ("ab\n", "3 is U+000A"), ("\0", "1 is U+0000")],
)
def test_a_name_with_a_control_character_is_refused_and_told_where_it_stands(name: str, where: str) -> None:
    with pytest.raises(InvalidRequest, match=f"character {where.replace('+', '[+]')}"):
        ensure_key_name(name)
