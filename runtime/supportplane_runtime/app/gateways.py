"""How many gateways an agent has, from a file that is followed: they share the rate limits while Redis is away.

On a cluster the operator writes the file into the agent's ConfigMap, and the kubelet brings it up to date in running
pods, so that more or fewer pods restart none. Used by customers.py.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from supportplane_runtime.chores import every

log = structlog.get_logger(__name__)

PERIOD_S = 30.0  # the kubelet takes up to a minute to bring a ConfigMap into a running pod


@asynccontextmanager
async def following(
    path: Path | None, share_among: Callable[[int], None], *, period_s: float = PERIOD_S
) -> AsyncIterator[None]:
    """Inside this block ``share_among`` is told the number, now and as it changes. path None: there is one gateway."""
    if path is None:
        yield
        return

    async def look() -> None:
        found = await asyncio.to_thread(read_gateways, path)
        if found is None:
            log.warning("gateways_file_unreadable", file=str(path))
        else:
            share_among(found)

    await look()
    task = asyncio.create_task(every(period_s, look, name="gateways-file"), name="gateways-file")
    try:
        yield
    finally:
        task.cancel()


def read_gateways(path: Path) -> int | None:
    """The number in a file; None when the file is missing or holds no number of one or more."""
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
