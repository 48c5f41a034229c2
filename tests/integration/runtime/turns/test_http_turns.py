"""What only the HTTP implementation can meet: processes that die, refuse or answer to somebody without the token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import pytest

from support.eventually import eventually_async
from support.runtime.turn_parts import FixedRetriever
from support.runtime.turn_subject import TENANT, TOKEN, Gate, Setup, Subject, asked, failure, in_memory, served
from supportplane_runtime.domain.conversation import TurnStatus
from supportplane_runtime.errors import NotFound, Unauthenticated, Unavailable
from supportplane_runtime.orchestrator.turns import LocalTurns
from supportplane_runtime.turns.events import Answered, Progress
from supportplane_runtime.turns.http_client import HttpTurns
from supportplane_runtime.turns.link import OrchestratorLink

QUESTION = "How do I rotate an API key?"


@dataclass
class Wire:
    """A TCP relay in front of an orchestrator. cut_replies: this many replies are lost, after the request got there."""

    target: int
    cut_replies: int = 0
    connections: int = 0

    def __post_init__(self) -> None:
        self.open: set[asyncio.StreamWriter] = set()

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        ends = {writer, far_writer}
        self.open |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, far_writer, ends))
                group.create_task(self._copy(far_reader, writer, ends, is_reply=True))
        finally:
            self.open -= ends

    async def _copy(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        ends: set[asyncio.StreamWriter],
        *,
        is_reply: bool = False,
    ) -> None:
        try:
            while data := await source.read(65536):
                if is_reply and self.cut_replies:
                    self.cut_replies -= 1
                    break
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        for end in ends:
            end.close()

    def cut(self) -> None:
        for writer in tuple(self.open):
            writer.close()


@asynccontextmanager
async def wired(setup: Setup) -> AsyncIterator[tuple[Subject, Wire]]:
    async with in_memory(setup) as subject:
        assert isinstance(subject.turns, LocalTurns)
        async with served(subject.turns) as url:
            wire = Wire(int(url.rsplit(":", 1)[1]))
            async with await asyncio.start_server(wire.relay, "127.0.0.1", 0) as server:
                address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
                async with OrchestratorLink(address, TOKEN) as link:
                    client = HttpTurns(link)
                    yield replace(subject, turns=client), wire
                    await client.close()
                    wire.cut()


async def test_events_come_on_the_connection_that_started_the_turn() -> None:
    async with wired(Setup()) as (subject, wire):
        await subject.ask(QUESTION)
        assert wire.connections == 1


async def test_a_reply_that_is_lost_is_asked_for_again_and_the_turn_is_one() -> None:
    gate = Gate()
    async with wired(Setup(retriever=FixedRetriever(wait=gate))) as (subject, wire):
        wire.cut_replies = 2
        request = asked(QUESTION)
        turn = await subject.turns.start(request)
        gate.released.set()
        assert isinstance((await subject.events(request.turn_id))[-1], Answered)
    assert turn.turn_id == request.turn_id
    assert (gate.arrived, wire.connections) == (1, 3)


async def test_a_listener_whose_connection_is_cut_gets_the_rest_and_nothing_twice() -> None:
    gate = Gate()
    async with wired(Setup(retriever=FixedRetriever(wait=gate))) as (subject, wire):
        request = asked(QUESTION)
        await subject.turns.start(request)
        listening = asyncio.create_task(subject.events(request.turn_id))
        await eventually_async(lambda: gate.arrived == 1)
        wire.cut()
        gate.released.set()
        events = await listening
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[-1], Answered)


async def test_nobody_listening_at_the_address_is_unavailable_and_may_be_tried_again(free_port: int) -> None:
    async with OrchestratorLink(f"http://127.0.0.1:{free_port}", TOKEN) as link:
        with pytest.raises(Unavailable) as info:
            await HttpTurns(link).start(asked(QUESTION))
    assert (info.value.code, info.value.retryable) == ("unavailable", True)
    assert info.value.retry_after_s


@pytest.mark.parametrize("token", ["", "another", TOKEN + "x"])
async def test_without_the_token_nothing_is_told_or_done(token: str) -> None:
    async with in_memory(Setup()) as subject:
        assert isinstance(subject.turns, LocalTurns)
        async with served(subject.turns) as url, OrchestratorLink(url, token) as link:
            request = asked(QUESTION)
            with pytest.raises(Unauthenticated):
                await HttpTurns(link).start(request)
            with pytest.raises(NotFound):
                await subject.turnbook.turn(TENANT, request.turn_id)
            async with aiohttp.ClientSession() as session:
                for path, status in (("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/internal/v1/parts", 401)):
                    async with session.get(url + path) as reply:
                        assert reply.status == status


async def test_an_orchestrator_that_stops_refuses_new_turns_and_lets_running_ones_end() -> None:
    gate = Gate()
    async with in_memory(Setup(retriever=FixedRetriever(wait=gate))) as subject:
        local = subject.turns
        assert isinstance(local, LocalTurns)
        async with OrchestratorLink("http://127.0.0.1:1", TOKEN) as link:
            client = HttpTurns(link)
            async with served(local) as url:
                link._url = url
                request = asked(QUESTION)
                await client.start(request)
                listening = asyncio.create_task(replace(subject, turns=client).events(request.turn_id))
                await eventually_async(lambda: gate.arrived == 1)
                closing = asyncio.create_task(local.close())
                await eventually_async(lambda: local.is_closing)
                with pytest.raises(Unavailable):
                    await client.start(asked(QUESTION))
                with pytest.raises(Unavailable):
                    await link.probe()
                gate.released.set()
                assert isinstance((await listening)[-1], Answered)
                await closing


async def test_what_a_dead_orchestrator_left_is_heard_through_another_one() -> None:
    """Two processes on one store: the first is killed while it works, the second takes the turn up."""
    gate = Gate()
    setup = Setup(retriever=FixedRetriever(wait=gate))
    async with in_memory(setup) as first:
        assert isinstance(first.turns, LocalTurns)
        second = LocalTurns(first.turns._engine, first.turnbook, setup.policy, bounds=setup.bounds)
        async with second, OrchestratorLink("http://127.0.0.1:1", TOKEN) as link, served(second) as other:
            client = HttpTurns(link)
            async with served(first.turns) as url:
                link._url = url
                request = asked(QUESTION)
                await client.start(request)
                stream = client.stream(TENANT, request.turn_id)
                assert isinstance(await anext(stream), Progress)
                await eventually_async(lambda: gate.arrived == 1)
                for upkeep in first.turns._upkeep:
                    upkeep.cancel()
                first.turns._running[TENANT, request.turn_id].task.cancel()  # type: ignore[union-attr]
                link._url = other
            gate.released.set()
            await first.abandon(request.turn_id)
            last = [event async for event in stream][-1]
            stored = await first.turnbook.turn(TENANT, request.turn_id)
    assert isinstance(last, Answered)
    assert (stored.status, stored.attempt) == (TurnStatus.FINISHED, 2)


async def test_a_turn_cancelled_through_another_process_ends_for_its_listener_at_once() -> None:
    gate = Gate()
    slow = replace(Setup(retriever=FixedRetriever(wait=gate)), bounds=replace(Setup().bounds, heartbeat_s=60))
    async with in_memory(slow) as first:
        assert isinstance(first.turns, LocalTurns)
        second = LocalTurns(first.turns._engine, first.turnbook, slow.policy, bounds=slow.bounds)
        async with served(first.turns) as url, second, served(second) as other, OrchestratorLink(url, TOKEN) as link:
            client = HttpTurns(link)
            request = asked(QUESTION)
            await client.start(request)
            listening = asyncio.create_task(replace(first, turns=client).events(request.turn_id))
            await eventually_async(lambda: gate.arrived == 1)
            link._url = other
            await client.cancel(TENANT, request.turn_id)
            assert failure(await asyncio.wait_for(listening, 30)).code == "turn-cancelled"
            gate.released.set()
