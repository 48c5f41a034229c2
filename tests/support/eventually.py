"""Waiting for a condition with a deadline, the only way in which tests wait.

``eventually`` is for tests that block, ``eventually_async`` for tests in an event loop. Both say what they waited for
and what they saw last. A value that is true ends the wait and is returned.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

POLL_S = 0.05
SHORT_POLL_S = 0.005  # in one process a look costs nothing
DEADLINE_S = 60.0  # for a machine on which much else runs; a wait that succeeds takes no longer than it must
MOST_SHOWN = 300
Value = TypeVar("Value")


def eventually(
    read: Callable[[], Value | None],
    what: str,
    *,
    deadline_s: float = DEADLINE_S,
    every_s: float = POLL_S,
    meanwhile: Callable[[], None] = lambda: None,
) -> Value:
    """The first value that is true.

    meanwhile: called before each look, where a program may end and the test must start the program anew.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        meanwhile()
        if value := read():
            return value
        assert time.monotonic() < deadline, late(what, deadline_s, value)
        time.sleep(every_s)


@overload
async def eventually_async(
    read: Callable[[], Awaitable[Value | None]], what: str = ..., *, deadline_s: float = ..., every_s: float = ...
) -> Value: ...
@overload
async def eventually_async(
    read: Callable[[], Value | None], what: str = ..., *, deadline_s: float = ..., every_s: float = ...
) -> Value: ...
async def eventually_async(
    read: Callable[[], Value | Awaitable[Value | None] | None],
    what: str = "the condition holds",
    *,
    deadline_s: float = DEADLINE_S,
    every_s: float = SHORT_POLL_S,
) -> Value:
    """The same without blocking the event loop. read: a function or a coroutine function."""
    deadline = time.monotonic() + deadline_s
    while True:
        seen = read()
        value = await seen if inspect.isawaitable(seen) else seen
        if value:
            return value
        assert time.monotonic() < deadline, late(what, deadline_s, value)
        await asyncio.sleep(every_s)


def late(what: str, deadline_s: float, seen: object) -> str:
    return f"not in {deadline_s:.0f} s: {what}; last seen: {repr(seen)[:MOST_SHOWN]}"
