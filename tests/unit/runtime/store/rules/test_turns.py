from dataclasses import replace
from uuid import uuid4

import pytest

from support.runtime.store_samples import ANSWER, accepted_turn, question
from supportplane_runtime.domain.conversation import TurnStatus
from supportplane_runtime.errors import TurnFailed
from supportplane_runtime.store.rules.turns import conversation_of, ensure_finished


def test_a_new_conversation_has_the_same_id_each_time_its_first_turn_is_sent() -> None:
    request = question("acme")

    assert conversation_of(request) == conversation_of(request)
    assert conversation_of(request) != conversation_of(replace(request, turn_id=uuid4()))
    assert conversation_of(request) != conversation_of(replace(request, tenant="other"))


def test_a_named_conversation_is_the_one() -> None:
    conversation_id = uuid4()

    assert conversation_of(question("acme", conversation_id=conversation_id)) == conversation_id


def test_an_ended_turn_without_an_answer_names_its_reason() -> None:
    failed = replace(accepted_turn("acme"), status=TurnStatus.FAILED, failure="model-unavailable")

    with pytest.raises(TurnFailed, match=r"failed.*model-unavailable"):
        ensure_finished(failed)
    assert ensure_finished(replace(accepted_turn("acme"), status=TurnStatus.FINISHED, answer=ANSWER)) == ANSWER
