"""What agents say about themselves: each gateway is asked every few seconds, and a changed answer makes a reconcile.

The question goes to a pod behind the gateway's Service, found through its EndpointSlices, so neither cluster DNS nor
kube-proxy is needed. It carries a token that only this operator can sign, for this agent only, for five minutes.
``observe`` reads the last answer; nothing here decides what it means. When an agent does not answer, the
reason is kept in place of the report.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import aiohttp
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from supportplane_crds.names import STATUS_ISSUER, STATUS_PATH, status_audience
from supportplane_crds.runtime_status import RuntimeStatus, parse_runtime_status
from supportplane_operator.cache import Key
from supportplane_operator.errors import Misconfigured, RuntimeSilent
from supportplane_operator.metrics import Metrics

log = structlog.get_logger()
TOKEN_S = 300
TOKEN_RENEWED_S = 120  # a token is used for this long, so that a clock three minutes off does no harm
SOON_S = 10.0  # between questions while an agent is not ready
SELDOM_S = 20.0  # while it is, so that a model that goes away is told within half a minute
SILENT_S = 60.0  # at most while it stays silent
DOUBLED = 8  # times a wait of one second is at most: longer than every other wait here
MOST_TRIED = 4  # pods asked in one round until one answers
MOST_BYTES = 256 * 1024  # of an answer
AT_ONCE = 16  # questions under way; a guess
Addresses = Callable[[Key], Awaitable[list[str]]]
"""host:port of every pod behind an agent's gateway."""


class Servers(NamedTuple):
    """Who serves an agent: ready pods of its gateway, and the revision that they ask for answers."""

    pods: int = 0
    revision: str | None = None


NOBODY = Servers()


class Signer:
    """Tokens for status endpoints. key: Ed25519."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self._tokens: dict[Key, tuple[float, str]] = {}

    @property
    def jwks(self) -> str:
        """The public part, for every agent's ConfigMap."""
        return json.dumps({"keys": [self._key.as_dict(private=False)]}, sort_keys=True)

    def token(self, agent: Key) -> str:
        made_at, token = self._tokens.get(agent, (0.0, ""))
        now = time.time()
        if not 0 <= now - made_at < TOKEN_RENEWED_S:
            token = self._signed(agent, int(now))
            self._tokens[agent] = (now, token)
        return token

    def forget(self, agent: Key) -> None:
        self._tokens.pop(agent, None)

    def _signed(self, agent: Key, now: int) -> str:
        claims = {
            "iss": STATUS_ISSUER,
            "aud": status_audience(agent.namespace, agent.name),
            "iat": now,
            "exp": now + TOKEN_S,
        }
        header = {"alg": "Ed25519", "kid": self._key.thumbprint()}
        return jwt.encode(header, claims, self._key, algorithms=["Ed25519"])


def read_signer(path: Path) -> Signer:
    """From the PEM of an Ed25519 private key. Raises Misconfigured with a sentence."""
    try:
        key = OKPKey.import_key(path.read_bytes())
    except (OSError, ValueError, JoseError) as error:
        raise Misconfigured(f"SUPPORTPLANE_OPERATOR_SIGNING_KEY_FILE {path}: {error}") from error
    if key.as_dict(private=False).get("crv") != "Ed25519":
        raise Misconfigured(f"SUPPORTPLANE_OPERATOR_SIGNING_KEY_FILE {path}: not an Ed25519 key")
    return Signer(OKPKey.import_key(key.as_dict(private=True), {"use": "sig", "kid": key.thumbprint()}))


@dataclass
class _Asked:
    """An agent that is asked. soon: it is not ready yet. by: who serves it. Counted: questions in a row without an
    answer, and answers since somebody else serves it.
    """

    task: asyncio.Task[None]
    soon: bool
    by: Servers
    silent: int = 0
    answered: int = DOUBLED  # at first sight nobody knows of a change
    address: str | None = None
    report: RuntimeStatus | None = None
    error: str | None = None
    again: asyncio.Event = field(default_factory=asyncio.Event)


class StatusReader:
    """Asks every agent it was told of, until told to forget it. changed: called with the agent's key."""

    def __init__(
        self,
        signer: Signer,
        addresses: Addresses,
        *,
        changed: Callable[[Key], None],
        timeout_s: float,
        metrics: Metrics,
    ) -> None:
        self._signer = signer
        self._addresses = addresses
        self._changed = changed
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=timeout_s / 2)
        self._metrics = metrics
        self._asked: dict[Key, _Asked] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    def watch(self, agent: Key, *, soon: bool, by: Servers = NOBODY) -> None:
        """Ask from now on. soon: the agent is not ready, so an answer is wanted within seconds. by: when it changes,
        the question is asked at once, and soon again: for a moment, connections still lead to those before.
        """
        known = self._asked.get(agent)
        if known is None:
            task = asyncio.get_running_loop().create_task(self._ask_forever(agent), name=f"status of {agent}")
            self._asked[agent] = _Asked(task, soon, by)
            return
        if by != known.by or (soon and not known.soon):
            known.silent = known.answered = 0
            known.again.set()
        known.soon, known.by = soon, by

    def forget(self, agent: Key) -> None:
        known = self._asked.pop(agent, None)
        self._signer.forget(agent)
        if known is not None:
            known.task.cancel()

    def answer(self, agent: Key) -> tuple[RuntimeStatus | None, str | None]:
        """The last answer, or why there is none; two times None before the first question was answered."""
        known = self._asked.get(agent)
        return (None, None) if known is None else (known.report, known.error)

    async def close(self) -> None:
        tasks = [each.task for each in self._asked.values()]
        for agent in list(self._asked):
            self.forget(agent)
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _ask_forever(self, agent: Key) -> None:
        while (known := self._asked.get(agent)) is not None:
            report, error = await self._ask(agent, known)
            known.silent, known.answered = (0, known.answered + 1) if report else (known.silent + 1, known.answered)
            if (report, error) != (known.report, known.error):
                known.report, known.error = report, error
                self._changed(agent)
            await _pause(known)

    async def _ask(self, agent: Key, known: _Asked) -> tuple[RuntimeStatus | None, str | None]:
        async with self._gate:
            try:
                report = await self._first_answer(agent, known)
            except RuntimeSilent as silence:
                self._metrics.status_requests.labels("silent").inc()
                known.address = None
                return None, str(silence)
            except Exception:  # the top of a task: were it to end, its last answer would be believed for ever
                log.exception("status_not_asked", agent=agent.name, namespace=agent.namespace)
                return None, "the operator could not ask the question for its status"
        self._metrics.status_requests.labels("answered").inc()
        return report, None

    async def _first_answer(self, agent: Key, known: _Asked) -> RuntimeStatus:
        """From the pod that answered last, else from any that does. Raises RuntimeSilent with the last reason."""
        if known.address is not None:
            try:
                return await self._get(agent, known.address)
            except RuntimeSilent:
                known.address = None
        silence = RuntimeSilent("no pod of the gateway runs")
        for address in (await self._addresses(agent))[:MOST_TRIED]:
            try:
                report = await self._get(agent, address)
            except RuntimeSilent as reason:
                silence = reason
            else:
                known.address = address
                return report
        raise silence

    async def _get(self, agent: Key, address: str) -> RuntimeStatus:
        headers = {"Authorization": f"Bearer {self._signer.token(agent)}", "Host": f"{agent.name}-gateway"}
        try:
            url = f"http://{address}{STATUS_PATH}"
            # Whoever answers must not send the operator on to places that only the operator reaches.
            async with self._client().get(url, headers=headers, allow_redirects=False) as reply:
                if reply.status != 200:
                    raise RuntimeSilent(f"the gateway answered with HTTP {reply.status} to the question for its status")
                body = await _body(reply)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RuntimeSilent("the gateway did not answer the question for its status") from error
        return parse_answer(body)

    def _client(self) -> aiohttp.ClientSession:
        """Made at the first question, when a loop runs. A connection is not kept: the next question is seconds away."""
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True, limit=0)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, auto_decompress=False)
        return self._session


async def _body(reply: aiohttp.ClientResponse) -> bytes:
    """Raises RuntimeSilent for one that no gateway of ours would send."""
    found = bytearray()
    async for chunk in reply.content.iter_chunked(MOST_BYTES):
        found += chunk
        if len(found) > MOST_BYTES:
            raise RuntimeSilent(_NOT_UNDERSTOOD)
    return bytes(found)


_NOT_UNDERSTOOD = "the gateway's answer to the question for its status is not understood"


def parse_answer(body: bytes) -> RuntimeStatus:
    """Raises RuntimeSilent for anything that is not a status: whoever has a pod behind the Service can send anything.

    Details lose their full stop, because the operator's sentences go on after them. Of two entries of one name the
    later one counts.
    """
    try:
        found = parse_runtime_status(body)
    except ValueError as error:
        raise RuntimeSilent(_NOT_UNDERSTOOD) from error
    parts = {each.name: replace(each, detail=each.detail.rstrip(".")) for each in found.components}
    counts = {each.name: each for each in found.knowledge}
    return replace(found, components=tuple(parts.values()), knowledge=tuple(counts.values()))


async def _pause(known: _Asked) -> None:
    wait_s = question_after_s(soon=known.soon, silent=known.silent, answered=known.answered)
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await known.again.wait()
    known.again.clear()


def question_after_s(*, soon: bool, silent: int, answered: int) -> float:
    """Until the next question: sooner for an agent that is not ready or that others serve since a moment ago, later
    and later for one that is not ready and stays silent.
    """
    usual_s = SOON_S if soon else SELDOM_S
    if not silent:
        return min(usual_s, _doubled_s(answered))
    return min(_doubled_s(silent), SILENT_S) if soon else usual_s


def _doubled_s(times: int) -> float:
    return 2.0 ** min(times, DOUBLED)
