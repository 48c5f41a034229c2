"""kill -9 of a process with turns under way (fault 27): each ends once, with one ticket, whatever it was doing."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
from psycopg.types.json import Jsonb

from support.repository import PROGRAMS
from support.runtime.turn_parts import FixedRetriever
from support.runtime.turn_subject import QUICK, TENANT, Setup, Subject, abandon_in, asked, on_postgres
from supportplane_runtime.domain.conversation import TurnStatus
from supportplane_runtime.orchestrator.checkpoints import KEEP, checkpoint_saver, forget, stale_threads
from supportplane_runtime.store.interfaces.audit import AuditEntry
from supportplane_runtime.store.postgres.store import open_store
from supportplane_runtime.turns.events import Answered

DOOMED = PROGRAMS / "turns_doomed.py"
TURNS = 6


async def kill_at(url: str, stage: str) -> list[UUID]:
    """Turns that were all at the stage when their process was killed."""
    turn_ids = [uuid4() for _ in range(TURNS)]
    arguments = [str(DOOMED), url, stage, *map(str, turn_ids)]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            arrived: set[str] = set()
            while len(arrived) < TURNS:
                line = (await process.stdout.readline()).decode()
                assert line, "the process ended before its turns arrived"
                if line.startswith("at "):
                    arrived.add(line.split()[1])
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    return turn_ids


@asynccontextmanager
async def successor(url: str) -> AsyncIterator[Subject]:
    """The next process. Its documents now answer the question: whoever runs the graph again can be told."""
    setup = Setup(retriever=FixedRetriever(confidence=0.9), bounds=QUICK)
    async with on_postgres(url)(setup) as subject:
        yield subject


async def let_leases_run_out(url: str, turn_ids: list[UUID]) -> None:
    store = await open_store(url, pool_size=1)
    abandon = abandon_in(store)
    for turn_id in turn_ids:
        await abandon(turn_id)
    await store.close()


async def ends_in_audit(url: str, turn_id: UUID) -> list[AuditEntry]:
    store = await open_store(url, pool_size=1)
    entries = await store.audit.listing(TENANT, limit=1000)
    await store.close()
    return [entry for entry in entries if entry.action == "turn.end" and entry.facts["turn_id"] == str(turn_id)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "outcome", "runs_again"),
    [("retrieve", "answered", True), ("answered", "handed_off", False), ("stored", "handed_off", False)],
)
async def test_every_turn_of_a_killed_process_ends_exactly_once(
    migrated_database_url: str, stage: str, outcome: str, runs_again: bool
) -> None:
    turn_ids = await kill_at(migrated_database_url, stage)
    if stage != "stored":
        await let_leases_run_out(migrated_database_url, turn_ids)
    async with successor(migrated_database_url) as subject:
        ends = [(await subject.events(turn_id))[-1] for turn_id in turn_ids]
        tickets = [ticket for ticket in await subject.tickets() if set(ticket.turn_ids) & set(turn_ids)]
        turns = [await subject.turnbook.turn(TENANT, turn_id) for turn_id in turn_ids]
        assert await subject.turns.resume() == 0
    assert all(isinstance(end, Answered) and end.answer.outcome == outcome for end in ends)
    assert [turn.status for turn in turns] == [TurnStatus.FINISHED] * TURNS
    assert len(tickets) == (0 if outcome == "answered" else TURNS)  # a conversation each
    assert bool(subject.retriever.questions) is runs_again
    for turn_id in turn_ids:
        assert len(await ends_in_audit(migrated_database_url, turn_id)) == 1


def written_by_the_release_before_effects(url: str, turn_ids: list[UUID]) -> None:
    """Turns checkpoints into those of that release: another channel, and one ticket instead of effects."""
    threads = [f"{TENANT}/{turn_id}" for turn_id in turn_ids]
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT thread_id, checkpoint FROM checkpoints WHERE thread_id = ANY(%s)", (threads,)
        ).fetchall()
        assert len(rows) == len(turn_ids)
        for thread_id, checkpoint in rows:
            ending = orjson.loads(checkpoint["channel_values"].pop("ending"))
            ticket = next(each for each in ending.pop("effects") if each["kind"] == "open_ticket")
            del ticket["kind"]
            checkpoint["channel_values"]["outcome"] = orjson.dumps(ending | {"ticket": ticket}).decode()
            checkpoint["channel_versions"]["outcome"] = checkpoint["channel_versions"].pop("ending")
            connection.execute(
                "UPDATE checkpoints SET checkpoint = %s WHERE thread_id = %s", (Jsonb(checkpoint), thread_id)
            )


@pytest.mark.slow
async def test_an_upgrade_in_the_middle_of_a_turn_stores_the_ending_that_the_earlier_release_made(
    migrated_database_url: str,
) -> None:
    turn_ids = await kill_at(migrated_database_url, "answered")
    written_by_the_release_before_effects(migrated_database_url, turn_ids)
    await let_leases_run_out(migrated_database_url, turn_ids)
    async with successor(migrated_database_url) as subject:
        ends = [(await subject.events(turn_id))[-1] for turn_id in turn_ids]
        tickets = [ticket for ticket in await subject.tickets() if set(ticket.turn_ids) & set(turn_ids)]
    assert all(isinstance(end, Answered) and end.answer.outcome == "handed_off" for end in ends)
    assert len(tickets) == TURNS
    assert subject.retriever.questions == []


async def test_stored_turns_leave_no_checkpoint_behind(migrated_database_url: str) -> None:
    requests = [asked("How do I rotate an API key?") for _ in range(3)]
    async with successor(migrated_database_url) as subject:
        for request in requests:
            await subject.turns.start(request)
            await subject.events(request.turn_id)
    store = await open_store(migrated_database_url, pool_size=1)
    threads = [f"{TENANT}/{request.turn_id}" for request in requests]
    statement = "SELECT * FROM (SELECT thread_id FROM {table}) t WHERE thread_id = ANY(%(threads)s)"
    for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
        assert await store.database.run(statement.format(table=table), {"threads": threads}) == [], table
    await store.close()


@pytest.mark.slow
async def test_checkpoints_of_a_process_that_died_long_ago_are_cleared_at_the_next_start(
    migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:

    turn_ids = await kill_at(migrated_database_url, "stored")
    store = await open_store(migrated_database_url, pool_size=1)
    saver = checkpoint_saver(store.database.pool)
    now = datetime.now(UTC)
    assert await stale_threads(saver, now=now) == []
    later = await stale_threads(saver, now=now + KEEP + timedelta(minutes=1))
    assert {f"{TENANT}/{turn_id}" for turn_id in turn_ids} <= set(later)
    await forget(saver, later)
    assert await stale_threads(saver, now=now + KEEP + timedelta(minutes=1)) == []
    await store.close()


async def test_the_answer_waits_for_a_database_that_comes_back(migrated_database_url: str) -> None:
    """Sessions cut while a turn runs: the pool reconnects and the turn is stored."""
    store = await open_store(migrated_database_url, pool_size=1)
    retriever = FixedRetriever()

    async def cut() -> None:
        others = "usename = current_user AND pid <> pg_backend_pid()"
        await store.database.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}", {})  # noqa: S608

    async with on_postgres(migrated_database_url)(Setup(retriever=retriever)) as subject:
        retriever.wait = cut
        request = asked("How do I rotate an API key?")
        await subject.turns.start(request)
        end = (await subject.events(request.turn_id))[-1]
    await store.close()
    assert isinstance(end, Answered)
