"""One agent's HTTP API: ask with a stream of events, reconnect by turn id when the connection drops, give and read
feedback.

A turn id is made here before the first byte goes out, so whatever breaks, the same question is never answered twice.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp

from supportplane_cli.client.sse import ServerEvent, read_events
from supportplane_cli.errors import CommandFailed, NothingRunning, Refused

CONNECT_TIMEOUT_S = 5.0
SILENCE_TIMEOUT_S = 45.0  # the gateway sends a heartbeat every 15 s
RECONNECT_FOR_S = 60.0  # a part of the agent that died is back within seconds; the whole agent within 15
PAUSES_S = (0.2, 0.5, 1.0, 2.0)
TERMINAL = ("final", "error")
PAGE = 100  # the most that a listing gives at once


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an agent is and what opens it."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Question:
    query: str
    user_id: str
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """progress, token, sources, final, error as in the API, and ``reconnecting`` of our own."""

    name: str
    data: dict[str, Any]


class Api:
    """Use as an async context manager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self._endpoint.key}"}
        self._session = aiohttp.ClientSession(timeout=timeout, headers=headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, question: Question) -> AsyncIterator[AgentEvent]:
        """Events up to the final one; an error event is raised as Refused. Reconnects by itself.

        Raises NothingRunning when nobody answers, CommandFailed when the answer does not come back in time.
        """
        turn_id, last_id = str(uuid4()), ""
        lost_since: float | None = None
        attempt = 0
        while True:
            try:
                async for event in self._events(question, turn_id, last_id):
                    last_id, lost_since, attempt = event.event_id or last_id, None, 0
                    yield parse(event)
                    if event.name in TERMINAL:
                        return
            except (aiohttp.ClientError, TimeoutError) as error:
                if lost_since is None and isinstance(error, aiohttp.ClientConnectorError) and not last_id:
                    raise nobody_there(self._endpoint.url) from error
            lost_since = lost_since or time.monotonic()
            if time.monotonic() - lost_since > RECONNECT_FOR_S:
                raise CommandFailed(
                    f"The connection was lost and {self._endpoint.url} did not come back in {RECONNECT_FOR_S:.0f} s.",
                    hint=f"the question is kept as turn {turn_id}; see `supportplane status`",
                )
            yield AgentEvent("reconnecting", {"turn_id": turn_id})
            await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
            attempt += 1

    async def feedback(self, turn_id: str, rating: str, comment: str | None = None) -> None:
        """rating: up or down."""
        body = {"turn_id": turn_id, "rating": rating} | ({} if comment is None else {"comment": comment})
        try:
            async with self._session.post(self._url("/api/v1/feedback"), json=body) as reply:
                await refuse_problem(reply)
        except aiohttp.ClientConnectorError as error:
            raise nobody_there(self._endpoint.url) from error

    async def rated_turns(self, filters: dict[str, str], *, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """Feedback, newest first, and whether there is more than the limit. filters: parameters of the listing."""
        items: list[dict[str, Any]] = []
        after: str | None = None
        while len(items) < limit:
            place = {"after": after} if after else {}
            page = await self._get("/api/v1/feedback", filters | place | {"limit": str(min(PAGE, limit - len(items)))})
            items += page["items"]
            after = page["after"]
            if after is None:
                break
        return items, after is not None

    async def rated_documents(self, filters: dict[str, str], *, limit: int) -> list[dict[str, Any]]:
        """Most thumbs down first; limit: at most PAGE."""
        report = await self._get("/api/v1/feedback/documents", filters | {"limit": str(limit)})
        documents: list[dict[str, Any]] = report["items"]
        return documents

    async def gaps(self, filters: dict[str, str], *, limit: int) -> dict[str, Any]:
        """The report of questions without a good answer; limit: subjects, at most PAGE."""
        return await self._get("/api/v1/gaps", filters | {"limit": str(limit)})

    async def _get(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        """Raises NothingRunning, Refused, CommandFailed when there is no whole answer."""
        try:
            async with self._session.get(self._url(path), params=parameters) as reply:
                await refuse_problem(reply)
                found: dict[str, Any] = await reply.json()
        except aiohttp.ClientConnectorError as error:
            raise nobody_there(self._endpoint.url) from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CommandFailed(
                f"{self._endpoint.url} does not answer this at the moment.", hint="see `supportplane status`"
            ) from error
        return found

    async def _events(self, question: Question, turn_id: str, last_id: str) -> AsyncIterator[ServerEvent]:
        """One connection's events. The first connection asks; a later one goes on, or asks again if nothing was heard.

        Asking again is safe: the same turn id with the same question is the same turn.
        """
        if last_id:
            request = self._session.get(
                self._url(f"/api/v1/turns/{turn_id}/stream"), headers={"Last-Event-ID": last_id}
            )
        else:
            body = {"query": question.query, "user_id": question.user_id, "turn_id": turn_id}
            if question.conversation_id is not None:
                body["conversation_id"] = question.conversation_id
            request = self._session.post(self._url("/api/v1/query/stream"), json=body)
        async with request as reply:
            await refuse_problem(reply)
            async for event in read_events(aiter(reply.content)):
                yield event

    def _url(self, path: str) -> str:
        return self._endpoint.url.rstrip("/") + path


def parse(event: ServerEvent) -> AgentEvent:
    """Raises Refused for an error event, CommandFailed for data that is no JSON."""
    try:
        data: dict[str, Any] = json.loads(event.data)
    except ValueError as error:
        raise CommandFailed("The agent sent something that is no event.") from error
    if event.name == "error":
        raise refused(data)
    return AgentEvent(event.name, data)


class Retryable(aiohttp.ClientError):
    """The agent said 503: try again as after a lost connection."""


async def refuse_problem(reply: aiohttp.ClientResponse) -> None:
    """Raises Retryable for 502 to 504, Refused with the problem's words for any other error."""
    if reply.status in (502, 503, 504):
        raise Retryable(f"{reply.status}")
    if reply.status < 400:
        return
    try:
        problem = await reply.json(content_type=None)
    except ValueError:
        problem = {}
    raise refused(problem if isinstance(problem, dict) else {}, reply.status)


def refused(problem: dict[str, Any], status: int | None = None) -> Refused:
    words = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    fields = "; ".join(f"{entry.get('field')}: {entry.get('message')}" for entry in problem.get("errors") or ())
    sentence = ": ".join(words) or f"The agent answered {status}"
    return Refused(sentence + (f" ({fields})" if fields else ""), hint=HINTS.get(str(problem.get("code"))))


HINTS = {
    "forbidden": "make a key that may with `supportplane keys create NAME --scope read`, and name it with --key-file",
    "unauthenticated": "look at the keys with `supportplane keys list`, or name another with --key-file",
    "rate-limited": "raise spec.gateway.rateLimits in the agent file if that is too little",
    "unavailable": "see `supportplane status`",
}


def nobody_there(url: str) -> NothingRunning:
    return NothingRunning(
        f"Nothing answers at {url}.", hint="start the agent with `make up` or `supportplane up -f AGENT.yaml`"
    )
