"""The one module that opens database connections: a pool, a deadline on everything, and one error upwards.

Statements run in autocommit, each a transaction of its own: no BEGIN, no COMMIT, one round trip; only what needs a lock
before it has a transaction with it. What can go wrong is told apart by what is known of the outcome:

- the database refused or rolled back: StoreUnavailable, or the caller's mistake (UniqueViolation, InvalidRequest)
- the connection broke while a statement ran: OutcomeUnknown inside this package. ``run_again_safe`` runs the statement
  once more; who cannot do that catches it and looks by key what became of it.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString

import orjson
import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import AdminShutdown, CannotConnectNow, CrashShutdown
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from supportplane_runtime.errors import InvalidRequest, StoreUnavailable
from supportplane_runtime.metrics import STORE_FAILURES

Params = Mapping[str, Any]

# A reply within 5 s when the database hangs . The parts of it:
DEADLINE_S = 4.5  # waiting for a connection, running, and the second run after a broken connection
STATEMENT_S = 2.0  # the server gives up on a statement; the slowest of ours takes milliseconds
SEVER_AFTER_S = STATEMENT_S + 0.5  # the server itself hangs: break the connection
CONNECT_S = 2
AWAY_S = 0.5  # for a connection, after someone waited in vain; a restarted server is there for one of the next
# Of the 2 s that a health check has: for the pool, and for a connection outside it that says why the pool has none.
PROBE_S = 0.9
# Callers that may wait for a connection before the next is refused at once: at 2 ms a statement on 8 connections this
# is a quarter of a second's work.
MAX_WAITING = 1000
# How long the pool keeps trying on its own. Its pauses double, so after a long outage it would sleep on for as long
# again; giving up early makes the next caller start a fresh attempt.
RECONNECT_S = 2.0

# The server ends the session; its socket may still be open when we read this.
SERVER_GOES = (AdminShutdown, CrashShutdown, CannotConnectNow)

Connection = AsyncConnection[TupleRow]

CONNECTION_DEFAULTS: Params = {
    "application_name": "supportplane",
    "connect_timeout": str(CONNECT_S),
    "target_session_attrs": "read-write",  # never write to what was demoted to a standby
    "tcp_user_timeout": "3000",  # ms; a peer that vanished without a word
    "options": f"-c statement_timeout={int(STATEMENT_S * 1000)} -c lock_timeout={int(STATEMENT_S * 1000)}",
}


class WaryPool(AsyncConnectionPool[Connection]):
    """Once somebody has waited for a connection in vain, the next ones wait a moment only, until one gets one.

    A request is several statements, of several modules: each would wait its whole time for a server that is away.
    """

    _in_vain = False

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109 - the pool's signature
        waits_s = self.timeout if timeout is None else timeout
        try:
            connection = await super().getconn(min(waits_s, AWAY_S) if self._in_vain else waits_s)
        except PoolTimeout:
            self._in_vain = True
            raise
        self._in_vain = False
        return connection


class OutcomeUnknown(StoreUnavailable):
    """The connection broke while the statement ran: it may have been committed."""


class Database:
    """A pool of autocommit connections. ``pool`` is shared with LangGraph's checkpointer (app/worker.py)."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        conninfo = make_conninfo("", **{**CONNECTION_DEFAULTS, **conninfo_to_dict(url)})
        self.pool: AsyncConnectionPool[Connection] = WaryPool(
            conninfo,
            kwargs={"autocommit": True, "prepare_threshold": 0},
            min_size=min(2, pool_size),
            max_size=pool_size,
            max_waiting=MAX_WAITING,
            timeout=DEADLINE_S,
            reconnect_timeout=RECONNECT_S,
            configure=_configure,
            open=False,
        )
        self._conninfo = conninfo
        self._generation = 0

    async def open(self) -> None:
        """Begin to connect; does not wait, so a process starts without its database and tells so by its readiness."""
        await self.pool.open(wait=False)

    async def close(self) -> None:
        await self.pool.close()

    async def run(self, statement: LiteralString, params: Params) -> list[TupleRow]:
        """All rows of one statement. Raises OutcomeUnknown when the connection broke, StoreUnavailable otherwise."""
        return await self._run(statement, params, deadline=time.monotonic() + DEADLINE_S)

    async def run_again_safe(
        self, statement: LiteralString, params: Params, *, after_locks: Sequence[LiteralString] = ()
    ) -> list[TupleRow]:
        """The same for a statement that may run twice: a query, or a write that changes nothing the second time.

        after_locks: statements that each lock a row first, in the same transaction, so that the statement sees what
        those who held the locks before have written.
        """
        deadline = time.monotonic() + DEADLINE_S
        try:
            return await self._run(statement, params, deadline=deadline, after_locks=after_locks)
        except OutcomeUnknown:
            return await self._run(statement, params, deadline=deadline, after_locks=after_locks)

    async def probe(self) -> None:
        """One round trip. Raises StoreUnavailable, which tells a server that is away from one that refuses us.

        The pool cannot say why it has no connection, so one is opened beside it.
        """
        with suppress(TimeoutError, StoreUnavailable):
            async with asyncio.timeout(PROBE_S):
                await self.run_again_safe("SELECT 1", {})
                return
        try:
            async with asyncio.timeout(PROBE_S):
                await (await AsyncConnection.connect(self._conninfo)).close()
        except TimeoutError as exc:
            raise _unavailable("no-connection") from exc
        except psycopg.OperationalError as exc:
            raise StoreUnavailable(_why_not(exc)) from exc
        raise _unavailable("no-connection")

    async def _run(
        self,
        statement: LiteralString,
        params: Params,
        *,
        deadline: float,
        after_locks: Sequence[LiteralString] = (),
    ) -> list[TupleRow]:
        try:
            connection = await self.pool.getconn(timeout=_left(deadline))
            try:
                async with self._severed(connection, deadline=deadline):
                    if not after_locks:
                        return await _rows(connection, statement, params)
                    async with connection.transaction():
                        for lock in after_locks:
                            await _rows(connection, lock, params)
                        return await _rows(connection, statement, params)
            finally:
                await self.pool.putconn(connection)
        except (PoolTimeout, PoolClosed, TooManyRequests) as exc:
            raise _unavailable("no-connection") from exc
        except (psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError) as exc:
            raise _unavailable("refused") from exc
        except (psycopg.DataError, UnicodeEncodeError, orjson.JSONEncodeError) as exc:
            raise InvalidRequest("The text holds characters that cannot be stored (NUL or half a surrogate).") from exc

    @asynccontextmanager
    async def _severed(self, connection: Connection, *, deadline: float) -> AsyncIterator[None]:
        """Severs the connection when the server does not answer at all: cancelling would wait for it to confirm."""
        generation = self._generation
        timer = asyncio.get_running_loop().call_later(min(SEVER_AFTER_S, _left(deadline)), _sever, connection)
        try:
            yield
        except psycopg.OperationalError as exc:
            if not connection.closed and not isinstance(exc, SERVER_GOES):
                raise
            await self._replace_idle(generation)
            raise _outcome_unknown() from exc
        finally:
            timer.cancel()

    async def _replace_idle(self, generation: int) -> None:
        """One connection broke: the idle ones of its time are likely broken too (the server went), so get new ones."""
        if generation == self._generation:
            self._generation += 1
            await self.pool.drain()


async def _rows(connection: Connection, statement: LiteralString, params: Params) -> list[TupleRow]:
    cursor = await connection.execute(statement, params, binary=True)
    return await cursor.fetchall() if cursor.description else []


def _why_not(refusal: psycopg.OperationalError) -> str:
    """For people without access to the server, so without its words: they name users and addresses.

    psycopg gives no SQLSTATE for a connection that was not made; FATAL is said only by a server.
    """
    if "FATAL" in str(refusal):
        return "The server refuses the connection: user, password, database name, or its own rules and limits."
    return "No server answers at the address."


def _left(deadline: float) -> float:
    return max(0.05, deadline - time.monotonic())


async def _configure(connection: Connection) -> None:
    set_json_loads(orjson.loads, connection)
    set_json_dumps(orjson.dumps, connection)


def _sever(connection: Connection) -> None:
    """Shut the socket, so that whoever waits on it wakes with an error at once. psycopg closes the rest."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=connection.fileno()) as peer:
        try:
            peer.shutdown(socket.SHUT_RDWR)
        finally:
            peer.detach()


def _unavailable(reason: str) -> StoreUnavailable:
    STORE_FAILURES.labels(reason).inc()
    return StoreUnavailable("The database does not answer at the moment; try again in a few seconds.")


def _outcome_unknown() -> OutcomeUnknown:
    STORE_FAILURES.labels("connection-lost").inc()
    return OutcomeUnknown("The connection to the database broke; try again with the same turn_id.")
