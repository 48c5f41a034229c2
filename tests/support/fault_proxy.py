"""A TCP proxy that tests put between a client and a real server, to lose what a network loses.

Modes apply to every connection, also those that are open: PASS forwards; LOSE_REPLY forwards requests and cuts the
connection when the server answers, once; LOSE_REQUEST cuts when the client asks, once; HANG forwards nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto


class Mode(Enum):
    PASS = auto()
    LOSE_REPLY = auto()
    LOSE_REQUEST = auto()
    HANG = auto()


class FaultProxy:
    def __init__(self, host: str, port: int) -> None:
        self.mode = Mode.PASS
        self.cuts = 0
        self._upstream = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def set_mode(self, mode: Mode) -> None:
        self.mode = mode
        if mode is Mode.HANG:
            self._passing.clear()
        else:
            self._passing.set()

    async def start(self) -> None:
        self._passing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        writers = [client_writer]
        try:
            reader, writer = await asyncio.open_connection(*self._upstream)
            writers.append(writer)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(client_reader, writer, Mode.LOSE_REQUEST))
                pumps.create_task(self._pump(reader, client_writer, Mode.LOSE_REPLY))
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for one in writers:
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cutting: Mode) -> None:
        while data := await reader.read(65536):
            await self._passing.wait()
            if self.mode is cutting:
                self.set_mode(Mode.PASS)
                self.cuts += 1
                raise ConnectionAbortedError
            writer.write(data)
            await writer.drain()
        raise ConnectionAbortedError


@asynccontextmanager
async def proxied(host: str, port: int) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(host, port)
    await proxy.start()
    try:
        yield proxy
    finally:
        with suppress(asyncio.CancelledError):
            await proxy.close()
