from dataclasses import replace

from support.runtime.store_samples import ANSWER, accepted_turn
from supportplane_runtime.domain.conversation import TurnStatus
from supportplane_runtime.store.rules.audit import turn_audit


def test_the_audit_of_a_turn_holds_nothing_that_was_said() -> None:
    turn = accepted_turn("acme")
    entry = turn_audit(replace(turn, status=TurnStatus.FINISHED, answer=ANSWER), "key-1", "helpdesk")

    for text in (turn.question, ANSWER.response, ANSWER.sources[0].quote):
        assert text not in repr(entry)
