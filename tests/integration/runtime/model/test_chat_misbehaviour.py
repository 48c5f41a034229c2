"""What the model client does with a server that refuses, stalls, breaks off, babbles or never ends (fault 11)."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import pytest
import stamina

from support.eventually import eventually_async
from support.runtime.model_stand_in import (
    DONE,
    Behaviour,
    StandIn,
    answers,
    delta,
    frame,
    plays,
    plays_for_ever,
    plays_then_breaks,
    plays_then_hangs,
)
from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.model.chat import Endpoint, ServedChatModel, Timeouts
from supportplane_runtime.model.interfaces import ChatMessage, Generation

# Generous: a limit is short only where a test is about it, and then it is one that nothing honest has to meet.
PATIENT = Timeouts()
GOOD = plays([delta("Hello"), delta(" there"), delta(None, "stop"), DONE])


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(testing=True, attempts=3):
        yield


async def read(
    stand_in: StandIn, *, timeouts: Timeouts = PATIENT, api_key: str | None = None
) -> tuple[str, str | None]:
    """The text that came, and the reason why it broke off or None."""
    model = ServedChatModel(Endpoint(url=stand_in.url, model="m", api_key=api_key, timeouts=timeouts))
    text = ""
    try:
        async for piece in model.stream([ChatMessage("user", "Hi")], Generation(max_tokens=16)):
            text += piece
    except ModelUnavailable as exc:
        return text, exc.reason  # type: ignore[attr-defined]
    finally:
        await model.close()
    return text, None


BROKEN: list[tuple[str, Behaviour, str, str]] = [
    ("a stream cut between tokens", plays_then_breaks([delta("Hello")]), "Hello", "cut"),
    ("a stream that ends without saying so", plays([delta("Hello")]), "Hello", "cut"),
    ("malformed JSON after a token", plays([delta("Hello"), b"data: {oops\n\n"]), "Hello", "malformed"),
    ("JSON that is no object", plays([b"data: 3\n\n"]), "", "malformed"),
    ("bytes that are no UTF-8", plays([delta("Hello"), b"data: \xff\xfe\n\n"]), "Hello", "malformed"),
    ("choices of a wrong type", plays([frame({"choices": 7})]), "", "malformed"),
    ("only empty choices", plays([frame({"choices": []}), DONE]), "", "cut"),
    ("no events at all", plays([]), "", "cut"),
    (
        "an error inside the stream",
        plays([delta("Hello"), frame({"error": "boom", "error_type": "generation"})]),
        "Hello",
        "server-error",
    ),
    ("a page of HTML", plays([b"<html><body>It works</body></html>"]), "", "cut"),
    ("bytes without end", plays_for_ever(b"x" * 65536), "", "cut"),
    ("401 wrong key", answers(401, {"error": "no"}), "", "refused"),
    ("422 validation error", answers(422, {"error": "no", "error_type": "validation"}), "", "refused"),
]
SLOW: list[tuple[str, Behaviour, str, Timeouts]] = [
    ("silence before the first token", plays_then_hangs([]), "", Timeouts(first_token_s=0.6)),
    ("silence between tokens", plays_then_hangs([delta("Hello")]), "Hello", Timeouts(between_tokens_s=0.3)),
    ("empty tokens for ever", plays_for_ever(delta("")), "", Timeouts(first_token_s=0.6)),
]
CASES = [pytest.param(*row, PATIENT, id=name) for name, *row in BROKEN]
CASES += [pytest.param(behaviour, text, "timeout", limits, id=name) for name, behaviour, text, limits in SLOW]


@pytest.mark.parametrize(("behaviour", "text", "reason", "timeouts"), CASES)
async def test_misbehaviour_ends_as_model_unavailable_and_frees_the_connection(
    stand_in: StandIn, behaviour: Behaviour, text: str, reason: str, timeouts: Timeouts
) -> None:
    stand_in.behaviours = [behaviour]
    async with asyncio.timeout(60):
        assert await read(stand_in, timeouts=timeouts) == (text, reason)
    await eventually_async(lambda: not stand_in.open_requests)


async def test_an_endless_stream_is_cut_at_the_total_time(stand_in: StandIn) -> None:
    stand_in.behaviours = [plays_for_ever(delta("na "))]
    async with asyncio.timeout(60):
        text, reason = await read(stand_in, timeouts=Timeouts(total_s=3))
        await stand_in.disconnected.wait()
    assert text.startswith("na na ")
    assert reason in {"timeout", "cut"}  # whichever comes first, the time or the 8 MiB


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 424])
async def test_a_passing_failure_is_retried_before_the_first_token(stand_in: StandIn, status: int) -> None:
    stand_in.behaviours = [answers(status, {"error": "later"}), answers(status, {"error": "later"}), GOOD]
    assert await read(stand_in) == ("Hello there", None)
    assert len(stand_in.bodies) == 3


async def test_a_refusal_is_not_retried(stand_in: StandIn) -> None:
    stand_in.behaviours = [answers(401, {"error": "no"}), GOOD]
    assert await read(stand_in) == ("", "refused")
    assert len(stand_in.bodies) == 1


async def test_nothing_is_retried_after_the_first_token(stand_in: StandIn) -> None:
    stand_in.behaviours = [plays_then_breaks([delta("Hel")]), GOOD]
    assert await read(stand_in) == ("Hel", "cut")
    assert len(stand_in.bodies) == 1


async def test_attempts_are_bounded(stand_in: StandIn) -> None:
    stand_in.behaviours = [answers(503, {"error": "down"})]
    assert await read(stand_in) == ("", "server-error")
    assert len(stand_in.bodies) == 3


async def test_a_server_that_is_away_is_model_unavailable(free_port: int) -> None:
    assert await read(StandIn(url=f"http://127.0.0.1:{free_port}")) == ("", "connect")


async def test_leaving_the_stream_early_closes_the_connection(stand_in: StandIn) -> None:
    stand_in.behaviours = [plays_then_hangs([delta("Hello")])]
    model = ServedChatModel(Endpoint(url=stand_in.url, model="m"))
    async with aclosing(model.stream([ChatMessage("user", "Hi")], Generation(max_tokens=16))) as stream:
        assert await anext(stream) == "Hello"
    await eventually_async(stand_in.disconnected.is_set)
    await model.close()


async def test_cancelling_the_reader_closes_the_connection(stand_in: StandIn) -> None:
    stand_in.behaviours = [plays_then_hangs([])]
    reading = asyncio.create_task(read(stand_in))
    await eventually_async(lambda: bool(stand_in.open_requests))
    reading.cancel()
    await eventually_async(stand_in.disconnected.is_set)
    assert reading.cancelled() or reading.cancelling()


async def test_a_thousand_calls_leave_no_task_and_no_socket(stand_in: StandIn) -> None:
    stand_in.behaviours = [GOOD, plays_then_breaks([delta("Hel")]), answers(401, {}), plays([b"data: {oops\n\n"])] * 250
    model = ServedChatModel(Endpoint(url=stand_in.url, model="m"))
    tasks_before = len(asyncio.all_tasks())

    async def one() -> None:
        try:
            async for _ in model.stream([ChatMessage("user", "Hi")], Generation(max_tokens=16)):
                pass
        except ModelUnavailable:
            pass

    for _ in range(25):
        await asyncio.gather(*(one() for _ in range(40)))
    await model.close()
    await eventually_async(lambda: not stand_in.open_requests and len(asyncio.all_tasks()) <= tasks_before)


@pytest.mark.parametrize("api_key", [None, "server-key"])
async def test_the_users_hub_token_is_never_sent(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, api_key: str | None
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_user")
    stand_in.behaviours = [GOOD]
    assert await read(stand_in, api_key=api_key) == ("Hello there", None)
    sent = {headers.get("authorization", headers.get("Authorization")) for headers in stand_in.headers}
    assert sent == ({None} if api_key is None else {"Bearer server-key"})


async def test_a_probe_says_why_the_model_does_not_answer(stand_in: StandIn) -> None:
    model = ServedChatModel(Endpoint(url=stand_in.url, model="m"))
    stand_in.behaviours = [answers(500, {"error": "weights missing"}), GOOD]
    with pytest.raises(ModelUnavailable, match="answered 500"):
        await model.probe()
    await model.probe()
    await model.close()
