from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from supportplane_runtime import errors
from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import Message, Role, Turn, TurnStatus
from supportplane_runtime.turns import codec
from supportplane_runtime.turns.codec import Line
from supportplane_runtime.turns.events import Answered, Failed, Progress, Sources, Token
from supportplane_runtime.turns.interfaces import TurnRequest

TURN_ID, CONVERSATION_ID = uuid4(), uuid4()
SOURCE = Source(1, "d", "c", "Keys", "https://docs.example", "Über \u2028 😀", 0.1)
ANSWER = Answer("Yes [1].", Outcome.ANSWERED, 0.123456789, (SOURCE,), uuid4(), "de", 0.5)
REQUEST = TurnRequest("acme", TURN_ID, "ada", 'Wie geht "das"?\n', "key", CONVERSATION_ID, {"a": [1, None, {"b": 1.5}]})
TURN = Turn("acme", TURN_ID, CONVERSATION_ID, "ada", "Why?", {"plan": "pro"}, TurnStatus.ACCEPTED)
ENDED = replace(
    TURN, status=TurnStatus.FINISHED, answer=ANSWER, attempt=2, created_at=datetime(2026, 11, 1, tzinfo=UTC)
)


@pytest.mark.parametrize("request_", [REQUEST, replace(REQUEST, history=(Message(Role.USER, "Hi", uuid4()),))])
def test_a_request_comes_out_as_it_went_in(request_: TurnRequest) -> None:
    assert codec.parse_request(codec.request_body(request_)) == request_


@pytest.mark.parametrize("body", [b"", b"[]", b'{"tenant": 1}', b"\xff"])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(errors.InvalidRequest):
        codec.parse_request(body)


def test_text_that_is_not_text_is_refused() -> None:
    with pytest.raises(errors.InvalidRequest):
        codec.request_body(replace(REQUEST, question="\ud800"))


@pytest.mark.parametrize("turn", [TURN, ENDED])
def test_a_turn_comes_out_as_it_went_in(turn: Turn) -> None:
    assert codec.parse_line(codec.turn_line(turn)) == turn


@pytest.mark.parametrize(
    "event",
    [
        Progress(1, "retrieve", "Looking."),
        Token(2, "a\nb"),
        Sources(3, (SOURCE,)),
        Answered(4, TURN_ID, CONVERSATION_ID, ANSWER),
        Failed(5, TURN_ID, "turn-failed", "No.", retryable=True),
    ],
    ids=lambda event: event.name,
)
def test_an_event_is_one_line_and_comes_out_as_it_went_in(event: Line) -> None:
    line = codec.event_line(event)  # type: ignore[arg-type]
    assert line.count(b"\n") == 1
    assert codec.parse_line(line) == event


@pytest.mark.parametrize(
    "fault",
    [
        errors.NotFound("There is none."),
        errors.Conflict("Known."),
        errors.StoreUnavailable("Away", retry_after_s=7),
        errors.Unavailable("Full"),
        errors.TurnTimedOut("Slow"),
        errors.RuntimeFault("Oh"),
    ],
    ids=lambda fault: fault.code,
)
def test_a_fault_keeps_its_type_and_what_it_says(fault: errors.RuntimeFault) -> None:
    found = codec.parse_line(codec.fault_line(fault))
    assert type(found) is type(fault)
    assert (found.detail, found.retry_after_s) == (fault.detail, fault.retry_after_s)


def test_a_fault_of_another_release_keeps_its_code_and_decision() -> None:
    fault = errors.RuntimeFault("New", retry_after_s=3)
    fault.code, fault.status_code, fault.retryable = "brand-new", 507, True
    found = codec.parse_line(codec.fault_line(fault))
    assert isinstance(found, errors.RuntimeFault)
    assert (found.code, found.status_code, found.retryable, found.retry_after_s) == ("brand-new", 507, True, 3)


def test_a_sign_of_life_says_nothing() -> None:
    assert codec.parse_line(codec.BEAT) is None


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"nonsense", b'{"event": {"name": "unheard-of"}}', b'{"turn": {}}'])
def test_anything_else_is_an_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - orjson, pydantic or ours
        codec.parse_line(line)
