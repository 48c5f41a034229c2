"""Reads a server-sent event stream (WHATWG HTML, section 9.2): lines to events. Pure; the network is in api.py."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event; ``event_id`` is the last id seen, which a reconnection names."""

    name: str
    data: str
    event_id: str


async def read_events(lines: AsyncIterator[bytes]) -> AsyncIterator[ServerEvent]:
    """Events as they are completed by an empty line; an unfinished one at the end is dropped, as the standard says."""
    name, event_id = "message", ""
    data: list[str] = []
    async for raw in lines:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if not line:
            if data:
                yield ServerEvent(name, "\n".join(data), event_id)
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                name = value
            case "data":
                data.append(value)
            case "id":
                event_id = value
            case _:
                pass  # comments (heartbeats) and retry
