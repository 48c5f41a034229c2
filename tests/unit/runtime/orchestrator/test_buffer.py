import asyncio
from uuid import UUID

import pytest

from supportplane_runtime.orchestrator.buffer import SEQUENCES_PER_ATTEMPT, EventBuffer
from supportplane_runtime.turns.events import Failed, Progress, Token, TurnEvent

TURN = UUID(int=1)


def step(sequence: int) -> Progress:
    return Progress(sequence, "retrieve", "…")


def token(sequence: int) -> Token:
    return Token(sequence, "x")


def failure(sequence: int) -> Failed:
    return Failed(sequence, TURN, "turn-failed", "no", retryable=True)


async def all_after(buffer: EventBuffer, after: int) -> list[TurnEvent]:
    return [event async for event in buffer.follow(after)]


@pytest.mark.parametrize(("after", "expected"), [(0, [1, 2, 3]), (2, [3]), (3, []), (99, [])])
async def test_a_client_that_comes_back_gets_what_it_missed(after: int, expected: list[int]) -> None:
    buffer = EventBuffer()
    for build in (step, token, failure):
        buffer.append(build)
    assert [event.sequence for event in await all_after(buffer, after)] == expected


async def test_followers_see_events_as_they_come_and_end_with_the_terminal_one() -> None:
    buffer = EventBuffer()
    followers = [asyncio.create_task(all_after(buffer, after)) for after in (0, 0, 1)]
    for build in (step, token, failure, step):
        buffer.append(build)
        await asyncio.sleep(0)
    seen = await asyncio.gather(*followers)
    assert seen == [[step(1), token(2), failure(3)], [step(1), token(2), failure(3)], [token(2), failure(3)]]


async def test_an_abandoned_buffer_lets_its_followers_go_without_a_terminal_event() -> None:
    buffer = EventBuffer()
    buffer.append(step)
    follower = asyncio.create_task(all_after(buffer, 0))
    await asyncio.sleep(0)
    buffer.abandon()
    assert await follower == [step(1)]
    assert not buffer.is_complete


async def test_a_later_attempt_counts_on_and_repeats_no_text() -> None:
    buffer = EventBuffer(attempt=2)
    for build in (step, token, failure):
        buffer.append(build)
    assert await all_after(buffer, 7) == [step(SEQUENCES_PER_ATTEMPT + 1), failure(SEQUENCES_PER_ATTEMPT + 2)]
