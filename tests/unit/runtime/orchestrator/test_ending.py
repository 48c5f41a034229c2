import orjson
import pytest

from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import TicketReason
from supportplane_runtime.domain.ending import Ending, OpenTicket
from supportplane_runtime.orchestrator.ending import from_earlier_text, from_text, to_text

HANDED_OFF = Answer("A colleague takes over.", Outcome.HANDED_OFF, 0.125)
WISH = OpenTicket(TicketReason.CUSTOMER_REQUEST, "Rotate a key", "tier-1", 5)
# Word for word what a release before effects left in a checkpoint.
EARLIER_ANSWER = (
    '"answer":{"response":"A colleague takes over.","outcome":"handed_off","confidence":0.125,"sources":[],'
    '"ticket_id":null,"language":"en","model_share":0.0}'
)
EARLIER_TICKET = '{"reason":"CustomerRequest","subject":"Rotate a key","queue":"tier-1","per_hour":5}'


@pytest.mark.parametrize(
    ("ticket", "effects"), [(EARLIER_TICKET, (WISH,)), ("null", ())], ids=["with a ticket", "without a ticket"]
)
def test_an_ending_of_a_release_before_effects_is_read_with_its_ticket(
    ticket: str, effects: tuple[OpenTicket, ...]
) -> None:
    assert from_earlier_text(f'{{{EARLIER_ANSWER},"ticket":{ticket}}}') == Ending(HANDED_OFF, effects)


def test_an_ending_with_an_effect_that_only_a_later_release_knows_is_not_half_read() -> None:
    later = orjson.loads(to_text(Ending(HANDED_OFF, (WISH,))))
    later["effects"].append({"kind": "call_a_person", "number": 1})
    assert from_text(orjson.dumps(later).decode()) is None


@pytest.mark.parametrize("text", ["", "{}", "not an ending"])
def test_what_is_no_ending_is_none(text: str) -> None:
    assert from_text(text) is None
    assert from_earlier_text(text) is None
