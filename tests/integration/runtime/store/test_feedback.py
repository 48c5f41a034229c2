"""What keeping and reading feedback promises, on every implementation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from support.runtime.migrations import upgrade_to
from support.runtime.store_samples import ANSWER, HANDED_OFF, question
from supportplane_runtime.domain.answer import Answer, Source
from supportplane_runtime.domain.conversation import Feedback, Rating, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import InvalidRequest, NotFound
from supportplane_runtime.store import migrate
from supportplane_runtime.store.interfaces.feedback import (
    DislikedTurn,
    DocumentFeedback,
    FeedbackFilter,
    RatedTurn,
    SavedFeedback,
)
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.pages import FEEDBACK_LISTING, Page, Position, encode_cursor
from supportplane_runtime.store.postgres.store import PostgresStore

UP, DOWN = Rating.UP, Rating.DOWN
ANY = FeedbackFilter()
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def source(document_id: str, chunk_id: str = "c1", **changes: Any) -> Source:
    cited = Source(1, document_id, chunk_id, document_id.title(), f"https://docs.example/{document_id}", "quote", 0.5)
    return replace(cited, **changes)


def citing(*sources: Source) -> Answer:
    return replace(ANSWER, sources=sources)


async def answered(
    store: Store,
    tenant: str,
    answer: Answer = ANSWER,
    *,
    agent: str | None = "shop",
    revision: str | None = "r1",
    **changes: Any,
) -> Turn:
    request = question(tenant, **changes)
    turn = (await store.turnbook.accept(request, lease_owner="w", history_limit=0, agent=agent)).turn
    await store.turnbook.finish(turn, Ending(answer), revision=revision)
    return await store.turnbook.turn(tenant, turn.turn_id)


async def rate(store: Store, turn: Turn, rating: Rating, comment: str | None = None) -> Turn:
    await store.feedback.save(Feedback(turn.tenant, turn.turn_id, turn.user_id, rating, comment), any_user=False)
    return turn


async def listed(store: Store, tenant: str, wanted: FeedbackFilter = ANY) -> Sequence[RatedTurn]:
    return (await store.feedback.listing(tenant, wanted=wanted, after=None, limit=99)).items


async def ids(store: Store, tenant: str, wanted: FeedbackFilter = ANY) -> list[Any]:
    return [item.turn.turn_id for item in await listed(store, tenant, wanted)]


async def reported(store: Store, tenant: str, since: datetime = LONG_AGO) -> list[DocumentFeedback]:
    return await store.feedback.documents(tenant, since=since, limit=99)


async def test_feedback_is_for_ones_own_turns_unless_a_server_vouches(store: Store, tenant: str) -> None:
    turn = await answered(store, tenant, user_id="alice")
    foreign = Feedback(tenant, turn.turn_id, "bob", UP)

    await store.feedback.save(Feedback(tenant, turn.turn_id, "alice", UP), any_user=False)
    with pytest.raises(NotFound):
        await store.feedback.save(foreign, any_user=False)
    await store.feedback.save(foreign, any_user=True)
    with pytest.raises(NotFound):
        await store.feedback.save(Feedback(tenant, uuid4(), "alice", UP), any_user=True)


async def test_saving_tells_who_answered_and_whether_the_rating_is_another_one(store: Store, tenant: str) -> None:
    turn = await answered(store, tenant, agent="shop", revision="0123456789")
    given = [(UP, None), (UP, "Thanks!"), (DOWN, "No, it was the other key."), (DOWN, None)]

    told = [await store.feedback.save(Feedback(tenant, turn.turn_id, "alice", *each), any_user=False) for each in given]

    assert told == [SavedFeedback("shop", "0123456789", is_new) for is_new in (True, False, True, False)]


async def test_an_item_tells_what_was_asked_and_answered_and_by_whom(store: Store, tenant: str) -> None:
    turn = await rate(store, await answered(store, tenant, agent="shop", revision="r7"), DOWN, "Where is that?")

    (item,) = await listed(store, tenant)

    assert item == RatedTurn(
        feedback=Feedback(tenant, turn.turn_id, "alice", DOWN, "Where is that?"),
        turn=turn,
        agent="shop",
        revision="r7",
        updated_at=item.updated_at,
    )
    assert item.turn.answer == ANSWER
    assert item.updated_at.tzinfo is not None


async def test_a_turn_without_an_answer_may_be_rated_too(store: Store, tenant: str) -> None:
    turn = (await store.turnbook.accept(question(tenant), lease_owner="w", history_limit=0, agent="shop")).turn
    await store.turnbook.fail(turn, "model-unavailable")
    await rate(store, turn, DOWN)

    (item,) = await listed(store, tenant)

    assert (item.turn.answer, item.turn.failure, item.revision) == (None, "model-unavailable", None)


async def test_the_last_feedback_of_a_user_on_a_turn_is_the_one_kept_and_the_newest(store: Store, tenant: str) -> None:
    first, second = [await rate(store, await answered(store, tenant), UP) for _ in range(2)]
    before = await ids(store, tenant)

    await rate(store, first, DOWN, "It was the other key.")

    assert before == [second.turn_id, first.turn_id]
    found = [(item.turn.turn_id, item.feedback.rating, item.feedback.comment) for item in await listed(store, tenant)]
    assert found == [(first.turn_id, DOWN, "It was the other key."), (second.turn_id, UP, None)]


async def test_feedback_is_listed_page_by_page(store: Store, tenant: str) -> None:
    turns = [await rate(store, await answered(store, tenant), UP) for _ in range(5)]

    pages, after = [], None
    for _ in range(3):
        page: Page[RatedTurn] = await store.feedback.listing(tenant, wanted=ANY, after=after, limit=2)
        pages.append([item.turn.turn_id for item in page.items])
        after = page.after

    newest = [turn.turn_id for turn in reversed(turns)]
    assert pages == [newest[:2], newest[2:4], newest[4:]]
    assert after is None


async def test_each_filter_keeps_what_it_names(store: Store, tenant: str) -> None:
    liked = await rate(store, await answered(store, tenant, citing(source("a.md")), agent="shop"), UP)
    disliked = await rate(store, await answered(store, tenant, citing(source("b.md")), agent="bank"), DOWN)
    bobs = await rate(store, await answered(store, tenant, HANDED_OFF, user_id="bob", agent="shop"), DOWN)
    when = {item.turn.turn_id: item.updated_at for item in await listed(store, tenant)}

    found = {
        "up": await ids(store, tenant, FeedbackFilter(rating=UP)),
        "down": await ids(store, tenant, FeedbackFilter(rating=DOWN)),
        "since": await ids(store, tenant, FeedbackFilter(since=when[disliked.turn_id])),
        "agent": await ids(store, tenant, FeedbackFilter(agent="bank")),
        "document": await ids(store, tenant, FeedbackFilter(document="a.md")),
        "url": await ids(store, tenant, FeedbackFilter(document="https://docs.example/b.md")),
        "user": await ids(store, tenant, FeedbackFilter(user_id="bob")),
        "both": await ids(store, tenant, FeedbackFilter(rating=DOWN, document="a.md")),
    }

    assert found == {
        "up": [liked.turn_id],
        "down": [bobs.turn_id, disliked.turn_id],
        "since": [bobs.turn_id, disliked.turn_id],
        "agent": [disliked.turn_id],
        "document": [liked.turn_id],
        "url": [disliked.turn_id],
        "user": [bobs.turn_id],
        "both": [],
    }


@pytest.mark.parametrize("cursor", ["x", "ä", "a" * 4000, "bm90LWEtY3Vyc29y", "MjAyNi0wMS0wMS9ub3QtYW4taWQ"])
async def test_a_cursor_of_ones_own_making_is_an_invalid_request(store: Store, tenant: str, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        await store.feedback.listing(tenant, wanted=ANY, after=cursor, limit=2)


async def test_a_cursor_of_another_listing_is_an_invalid_request(store: Store, tenant: str) -> None:
    for _ in range(2):
        await rate(store, await answered(store, tenant), UP)
    of_conversations = (await store.records.conversations(tenant, user_id=None, after=None, limit=1)).after
    of_feedback = (await store.feedback.listing(tenant, wanted=ANY, after=None, limit=1)).after
    assert of_conversations
    assert of_feedback

    with pytest.raises(InvalidRequest):
        await store.feedback.listing(tenant, wanted=ANY, after=of_conversations, limit=1)
    with pytest.raises(InvalidRequest):
        await store.records.conversations(tenant, user_id=None, after=of_feedback, limit=1)
    with pytest.raises(InvalidRequest):
        await store.records.tickets(tenant, user_id=None, after=of_feedback, limit=1)


async def test_another_tenant_sees_none_of_it(store: Store, tenant: str, other_tenant: str) -> None:
    turn = await rate(store, await answered(store, tenant, citing(source("a.md"))), DOWN, "secret")
    (item,) = await listed(store, tenant)
    later = encode_cursor(Position(item.updated_at + timedelta(days=1), turn.turn_id), listing=FEEDBACK_LISTING)
    own = await rate(store, await answered(store, other_tenant, citing(source("a.md"))), UP)

    page = await store.feedback.listing(other_tenant, wanted=ANY, after=later, limit=99)

    assert [each.turn.turn_id for each in page.items] == [own.turn_id]
    assert [(each.answers, each.up, each.down, each.examples) for each in await reported(store, other_tenant)] == [
        (1, 1, 0, ())
    ]


async def test_the_report_counts_answers_and_thumbs_per_document_the_most_disliked_first(
    store: Store, tenant: str
) -> None:
    twice = citing(source("b.md", "c1"), source("b.md", "c2"), source("a.md"))
    await rate(store, await answered(store, tenant, twice, question="Why?"), DOWN, "Not there.")
    await rate(store, await answered(store, tenant, citing(source("b.md")), question="How?"), DOWN)
    await rate(store, await answered(store, tenant, citing(source("b.md"))), UP)
    await answered(store, tenant, citing(source("b.md")))
    await rate(store, await answered(store, tenant, citing(source("c.md"))), UP)

    found = await reported(store, tenant)

    assert [(item.document_id, item.answers, item.up, item.down) for item in found] == [
        ("b.md", 4, 1, 2),
        ("a.md", 1, 0, 1),
        ("c.md", 1, 1, 0),
    ]
    assert [(example.question, example.comment) for example in found[0].examples] == [
        ("How?", None),
        ("Why?", "Not there."),
    ]
    assert (await store.feedback.documents(tenant, since=LONG_AGO, limit=1)) == found[:1]


async def test_what_was_thought_of_answers_without_a_document_has_an_item_of_its_own(store: Store, tenant: str) -> None:
    await rate(store, await answered(store, tenant, citing(source("a.md"))), UP)
    await answered(store, tenant, HANDED_OFF)  # nobody rated it
    await rate(store, await answered(store, tenant, HANDED_OFF), UP)
    failed = (await store.turnbook.accept(question(tenant), lease_owner="w", history_limit=0)).turn
    await store.turnbook.fail(failed, "model-unavailable")
    await rate(store, failed, DOWN)
    turns = [await rate(store, await answered(store, tenant, HANDED_OFF), DOWN, str(number)) for number in range(4)]

    found = await reported(store, tenant)

    assert [(item.document_id, item.answers, item.up, item.down) for item in found] == [
        (None, 6, 1, 5),
        ("a.md", 1, 1, 0),
    ]
    assert (found[0].url, found[0].title) == (None, None)
    assert [(each.turn_id, each.comment) for each in found[0].examples] == [
        (turn.turn_id, comment) for turn, comment in zip(reversed(turns[1:]), ("3", "2", "1"), strict=True)
    ]
    assert await store.feedback.documents(tenant, since=LONG_AGO, limit=1) == found[:1]


async def test_a_document_is_shown_as_its_latest_answer_cites_it(store: Store, tenant: str) -> None:
    await answered(store, tenant, citing(source("a.md", title="Old", url="old")))
    await answered(store, tenant, citing(source("a.md", title="New", url="new")))

    (found,) = await reported(store, tenant)

    assert (found.title, found.url, found.answers) == ("New", "new", 2)


async def test_a_document_has_a_few_examples_the_latest_thumbs_down(store: Store, tenant: str) -> None:
    turns = [await rate(store, await answered(store, tenant), DOWN, str(number)) for number in range(5)]

    (found,) = await reported(store, tenant)

    assert found.examples == tuple(
        DislikedTurn(turn.turn_id, turn.conversation_id, turn.question, comment)
        for turn, comment in zip(reversed(turns[2:]), ("4", "3", "2"), strict=True)
    )


async def test_a_report_since_a_moment_leaves_out_earlier_answers_and_what_was_thought_of_them(
    store: Store, tenant: str
) -> None:
    old = await answered(store, tenant, citing(source("a.md"), source("b.md")))
    await rate(store, old, UP)
    (item,) = await listed(store, tenant)
    await rate(store, await answered(store, tenant, citing(source("a.md"))), DOWN)
    await rate(store, old, DOWN)

    found = await reported(store, tenant, since=item.updated_at)

    assert [(each.document_id, each.answers, each.down) for each in found] == [("a.md", 1, 1)]


@pytest.mark.slow
async def test_answers_of_before_the_upgrade_are_in_the_report(make_database: Any, opening: Any, tenant: str) -> None:
    """The table of citations is filled from what the answers say."""
    url: str = make_database()
    migrate.upgrade(url)
    store: PostgresStore = await opening(url, 2)
    await rate(store, await answered(store, tenant, citing(source("a.md"), source("a.md", "c2"))), DOWN)
    now = await reported(store, tenant)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE citations; DROP INDEX feedback_listing")
        connection.execute("ALTER TABLE turns DROP COLUMN revision")
        connection.execute("UPDATE schema_version SET version_num = '0004'")

    upgrade_to(url, "0005")

    assert await reported(store, tenant) == now
