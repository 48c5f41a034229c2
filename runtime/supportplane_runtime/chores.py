"""Chores: what a process repeats in the background for as long as it lives. Their top loop, which survives faults.

A chore that fails is logged in one line and done again the next time. Whoever starts the loop cancels its task.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from supportplane_runtime.errors import RuntimeFault

log = structlog.get_logger(__name__)


async def every(seconds: float, chore: Callable[[], Awaitable[None]], *, name: str) -> None:
    """Does the chore now and ``seconds`` after it ended, again and again. name: of the log lines."""
    while True:
        await attempt(chore, name=name)
        await asyncio.sleep(seconds)


async def attempt(chore: Callable[[], Awaitable[None]], *, name: str) -> None:
    """Does the chore once. A fault is an outage that was foreseen; anything else is a bug, logged with its frames."""
    try:
        await chore()
    except RuntimeFault as fault:
        log.warning("chore_failed", chore=name, code=fault.code, detail=fault.detail)
    except Exception:
        log.exception("chore_broke", chore=name)
