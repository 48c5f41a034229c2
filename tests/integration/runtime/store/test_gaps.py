"""What noting, reading and placing gaps promises, on every implementation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from support.runtime.store_samples import ANSWER, HANDED_OFF, next_question, question
from supportplane_runtime.domain.answer import Answer, Outcome
from supportplane_runtime.domain.conversation import Feedback, Rating, Turn
from supportplane_runtime.domain.ending import Ending, NoteGap
from supportplane_runtime.domain.gaps import GapReason, NearDocument
from supportplane_runtime.store.interfaces.gaps import Gap, Meaning, PlacedQuestion, UnplacedQuestion
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.postgres.store import PostgresStore

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NEAR = (NearDocument("keys.md", "Keys", "https://docs.example/keys#rotate"),)
NOTE = NoteGap(GapReason.DECLINED, "How do I rotate?\nAnd on Mars?", NEAR)
DECLINED = Answer(response="Not in the documents.", outcome=Outcome.DECLINED, confidence=0.25)
MEANING = Meaning("one", 0.5, b"\0\0\x80?")


async def ended(store: Store, tenant: str, ending: Ending, *, agent: str | None = "shop", **changes: str) -> Turn:
    request = question(tenant, **changes)
    turn = (await store.turnbook.accept(request, lease_owner="w", history_limit=0, agent=agent)).turn
    await store.turnbook.finish(turn, ending)
    return turn


async def noted(store: Store, tenant: str, note: NoteGap = NOTE, *, agent: str | None = "shop") -> Turn:
    return await ended(store, tenant, Ending(DECLINED, (note,)), agent=agent)


async def disliked(store: Store, turn: Turn, comment: str | None = None) -> Turn:
    await store.feedback.save(Feedback(turn.tenant, turn.turn_id, turn.user_id, Rating.DOWN, comment), any_user=False)
    return turn


async def listed(store: Store, tenant: str, *, agent: str | None = None, limit: int = 99) -> list[Gap]:
    return await store.gaps.listing(tenant, since=LONG_AGO, agent=agent, limit=limit)


async def unplaced(
    store: Store, tenant: str, *, agent: str = "shop", embedder: str = "one"
) -> Sequence[UnplacedQuestion]:
    found, total = await store.gaps.unplaced(tenant, agent=agent, embedder=embedder, limit=99)
    assert total == len(found)
    return found


async def test_a_gap_is_listed_with_its_question_and_the_documents_that_came_nearest(store: Store, tenant: str) -> None:
    turn = await noted(store, tenant)

    (gap,) = await listed(store, tenant)

    assert gap == Gap(
        turn_id=turn.turn_id,
        conversation_id=turn.conversation_id,
        user_id="alice",
        question="How do I rotate?\nAnd on Mars?",
        reason=GapReason.DECLINED,
        disliked=False,
        comment=None,
        asked_at=gap.asked_at,
        documents=NEAR,
        meaning=None,
    )
    assert gap.asked_at.tzinfo is not None


async def test_a_disliked_answer_is_one_with_the_documents_that_it_cites(store: Store, tenant: str) -> None:
    turn = await disliked(store, await ended(store, tenant, Ending(ANSWER)), "No.")

    (gap,) = await listed(store, tenant)

    assert (gap.turn_id, gap.reason, gap.disliked, gap.comment) == (turn.turn_id, None, True, "No.")
    assert (gap.question, gap.documents) == (turn.question, (NearDocument("keys.md", "Keys", ANSWER.sources[0].url),))


async def test_a_gap_that_is_disliked_too_is_one_question_and_an_answer_that_is_liked_is_none(
    store: Store, tenant: str
) -> None:
    turn = await disliked(store, await noted(store, tenant), "Why not?")
    await ended(store, tenant, Ending(HANDED_OFF))
    changed = await disliked(store, await ended(store, tenant, Ending(ANSWER)))
    await store.feedback.save(Feedback(tenant, changed.turn_id, "alice", Rating.UP), any_user=False)

    found = await listed(store, tenant)

    assert [(gap.turn_id, gap.reason, gap.disliked, gap.comment) for gap in found] == [
        (turn.turn_id, GapReason.DECLINED, True, "Why not?")
    ]


async def test_gaps_are_listed_newest_first_since_a_moment_of_an_agent_up_to_a_limit(store: Store, tenant: str) -> None:
    first, second, old = [await noted(store, tenant, agent=agent) for agent in ("shop", "bank", None)]
    third = await noted(store, tenant)
    moments = {gap.turn_id: gap.asked_at for gap in await listed(store, tenant)}
    later = await store.gaps.listing(tenant, since=moments[second.turn_id], agent=None, limit=99)

    assert [gap.turn_id for gap in await listed(store, tenant, limit=2)] == [third.turn_id, old.turn_id]
    assert [gap.turn_id for gap in await listed(store, tenant, agent="shop")] == [
        third.turn_id,
        old.turn_id,
        first.turn_id,
    ]
    assert [gap.turn_id for gap in later] == [third.turn_id, old.turn_id, second.turn_id]


async def test_a_question_is_unplaced_until_this_embedder_has_placed_it(store: Store, tenant: str) -> None:
    turn = await noted(store, tenant)
    before = await unplaced(store, tenant)

    await store.gaps.place(tenant, [PlacedQuestion(turn.turn_id, NOTE.question, MEANING)])

    assert before == [UnplacedQuestion(turn.turn_id, NOTE.question, ())]
    assert await unplaced(store, tenant) == []
    assert [each.turn_id for each in await unplaced(store, tenant, embedder="two")] == [turn.turn_id]
    assert (await listed(store, tenant))[0].meaning == MEANING

    await store.gaps.place(tenant, [PlacedQuestion(turn.turn_id, NOTE.question, replace(MEANING, embedder="two"))])
    assert await unplaced(store, tenant, embedder="two") == []


async def test_a_disliked_question_comes_with_what_was_said_before_and_is_shown_as_it_was_placed(
    store: Store, tenant: str
) -> None:
    first = await ended(store, tenant, Ending(ANSWER))
    accepted = await store.turnbook.accept(
        next_question(first.conversation_id, tenant, question="And on Mars?"), lease_owner="w", history_limit=0
    )
    await store.turnbook.finish(accepted.turn, Ending(ANSWER))
    await disliked(store, accepted.turn)

    (found,) = await unplaced(store, tenant)
    await store.gaps.place(tenant, [PlacedQuestion(found.turn_id, "How do I rotate on Mars?", MEANING)])

    assert [(each.role.value, each.content) for each in found.history] == [
        ("user", first.question),
        ("assistant", ANSWER.response),
    ]
    assert [gap.question for gap in await listed(store, tenant)] == ["How do I rotate on Mars?"]


async def test_as_many_are_unplaced_as_are_told_and_as_many_given_as_asked_for(store: Store, tenant: str) -> None:
    turns = [await noted(store, tenant) for _ in range(3)]
    await noted(store, tenant, agent="bank")

    found, total = await store.gaps.unplaced(tenant, agent="shop", embedder="one", limit=2)

    assert [each.turn_id for each in found] == [turns[2].turn_id, turns[1].turn_id]
    assert total == 3


async def test_another_tenant_neither_sees_nor_places_gaps(store: Store, tenant: str, other_tenant: str) -> None:
    turn = await disliked(store, await noted(store, tenant))
    placed = PlacedQuestion(turn.turn_id, "Theirs?", MEANING)

    await store.gaps.place(other_tenant, [placed, replace(placed, turn_id=uuid4())])

    assert await listed(store, other_tenant) == []
    assert await unplaced(store, other_tenant) == []
    assert (await listed(store, tenant))[0].meaning is None


@pytest.mark.slow
async def test_who_deletes_a_turn_deletes_its_gap(
    postgres_store: PostgresStore, migrated_database_url: str, tenant: str
) -> None:
    turn = await noted(postgres_store, tenant)
    await postgres_store.gaps.place(tenant, [PlacedQuestion(turn.turn_id, "?", MEANING)])

    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("DELETE FROM messages WHERE tenant = %s", (tenant,))
        connection.execute("DELETE FROM turns WHERE tenant = %s", (tenant,))
        left = connection.execute(
            "SELECT (SELECT count(*) FROM gaps WHERE tenant = %(tenant)s),"
            " (SELECT count(*) FROM gap_meanings WHERE tenant = %(tenant)s)",
            {"tenant": tenant},
        ).fetchone()

    assert left == (0, 0)


@pytest.mark.slow
async def test_old_questions_are_not_placed_any_more(
    postgres_store: PostgresStore, migrated_database_url: str, tenant: str
) -> None:
    await noted(postgres_store, tenant)
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("UPDATE gaps SET created_at = created_at - %s", (timedelta(days=91),))

    assert await unplaced(postgres_store, tenant) == []
    assert len(await listed(postgres_store, tenant)) == 1
