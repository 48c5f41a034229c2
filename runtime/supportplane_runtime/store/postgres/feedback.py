"""What users thought of answers, on PostgreSQL: kept, listed, and counted per document.

The report counts rows of ``citations``, never the answers themselves: those are wide, and a statement has 2 s.
"""

# ruff: noqa: S608  # statements are put together from constants of this package; values are always parameters

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from supportplane_runtime.domain.conversation import Feedback, Rating
from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.interfaces.feedback import (
    EXAMPLES,
    DislikedTurn,
    DocumentFeedback,
    FeedbackFilter,
    RatedTurn,
    SavedFeedback,
    most_disliked_first,
)
from supportplane_runtime.store.pages import FEEDBACK_LISTING, Page, Position, decode_cursor, encode_cursor
from supportplane_runtime.store.postgres.database import Database, Params
from supportplane_runtime.store.postgres.rows import TURN_COLUMNS, TURN_TABLES, turn_from

# ``before`` sees what stood when the statement began, also beside the row that it changes.
SAVE: LiteralString = """
WITH turn AS (
    SELECT t.tenant, t.turn_id, t.agent, t.revision
    FROM turns t
    JOIN conversations c ON c.tenant = t.tenant AND c.conversation_id = t.conversation_id
    WHERE t.tenant = %(tenant)s AND t.turn_id = %(turn_id)s AND (%(any_user)s OR c.user_id = %(user_id)s)
), before AS (
    SELECT f.rating FROM feedback f
    WHERE f.tenant = %(tenant)s AND f.turn_id = %(turn_id)s AND f.user_id = %(user_id)s
), saved AS (
    INSERT INTO feedback (tenant, turn_id, user_id, rating, comment)
    SELECT tenant, turn_id, %(user_id)s, %(rating)s, %(comment)s FROM turn
    ON CONFLICT (tenant, turn_id, user_id) DO UPDATE
        SET rating = excluded.rating, comment = excluded.comment, updated_at = now()
)
SELECT agent, revision, (SELECT rating FROM before) IS DISTINCT FROM %(rating)s FROM turn
"""

# The page is chosen before anything is joined to it. Its bounds are always there, so that one plan walks
# feedback_listing from where the page begins to its end.
LISTING: LiteralString = f"""
WITH page AS (
    SELECT f.tenant, f.turn_id, f.user_id, f.rating, f.comment, f.updated_at
    FROM feedback f
    WHERE f.tenant = %(tenant)s
        AND f.updated_at >= coalesce(%(since)s::timestamptz, '-infinity')
        AND (f.updated_at, f.turn_id) < (
            coalesce(%(updated_at)s::timestamptz, 'infinity'),
            coalesce(%(turn_id)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        )
        AND (%(rating)s::text IS NULL OR f.rating = %(rating)s)
        AND (%(user_id)s::text IS NULL OR f.user_id = %(user_id)s)
        AND (%(agent)s::text IS NULL OR EXISTS (
            SELECT FROM turns g WHERE g.tenant = f.tenant AND g.turn_id = f.turn_id AND g.agent = %(agent)s
        ))
        AND (%(document)s::text IS NULL OR EXISTS (
            SELECT FROM citations n
            WHERE n.tenant = f.tenant AND n.turn_id = f.turn_id AND %(document)s IN (n.document_id, n.url)
        ))
    ORDER BY f.updated_at DESC, f.turn_id DESC LIMIT %(limit)s + 1
)
SELECT {TURN_COLUMNS}, f.user_id, f.rating, f.comment, f.updated_at, t.agent, t.revision
{TURN_TABLES}
JOIN page f ON f.tenant = t.tenant AND f.turn_id = t.turn_id
ORDER BY f.updated_at DESC, f.turn_id DESC
"""

# One pass over the citations of the time, in their index alone; everything else is about the few documents that are
# shown. A rating is never older than its answer, so ratings of before are not looked at.
DOCUMENTS: LiteralString = """
WITH thumbs AS (
    SELECT f.turn_id, count(*) FILTER (WHERE f.rating = 'up') AS up, count(*) FILTER (WHERE f.rating = 'down') AS down
    FROM feedback f WHERE f.tenant = %(tenant)s AND f.updated_at >= %(since)s
    GROUP BY f.turn_id
), worst AS (
    SELECT n.document_id, max(n.created_at) AS latest_at, count(*) AS answers,
        coalesce(sum(thumbs.up), 0)::bigint AS up, coalesce(sum(thumbs.down), 0)::bigint AS down
    FROM citations n LEFT JOIN thumbs USING (turn_id)
    WHERE n.tenant = %(tenant)s AND n.created_at >= %(since)s
    GROUP BY n.document_id
    ORDER BY down DESC, up, answers DESC, n.document_id LIMIT %(limit)s
), disliked AS (
    SELECT n.document_id, f.turn_id, f.comment,
        row_number() OVER (PARTITION BY n.document_id ORDER BY f.updated_at DESC, f.turn_id DESC) AS place
    FROM feedback f
    JOIN citations n ON n.tenant = f.tenant AND n.turn_id = f.turn_id
    WHERE f.tenant = %(tenant)s AND f.updated_at >= %(since)s AND f.rating = 'down' AND n.created_at >= %(since)s
        AND n.document_id IN (SELECT document_id FROM worst)
), examples AS (
    SELECT d.document_id,
        json_agg(json_build_array(t.turn_id, t.conversation_id, q.content, d.comment) ORDER BY d.place) AS turns
    FROM disliked d
    JOIN turns t ON t.tenant = %(tenant)s AND t.turn_id = d.turn_id
    JOIN messages q ON q.tenant = t.tenant AND q.conversation_id = t.conversation_id AND q.number = t.number
        AND q.role = 'user'
    WHERE d.place <= %(examples)s
    GROUP BY d.document_id
)
SELECT w.document_id, latest.url, latest.title, w.answers, w.up, w.down, coalesce(e.turns, '[]')
FROM worst w
CROSS JOIN LATERAL (
    SELECT n.url, n.title FROM citations n
    WHERE n.tenant = %(tenant)s AND n.created_at = w.latest_at AND n.document_id = w.document_id
    ORDER BY n.turn_id DESC LIMIT 1
) latest
LEFT JOIN examples e USING (document_id)
ORDER BY w.down DESC, w.up, w.answers DESC, w.document_id
"""

# Answers that cite nothing are found by their ratings alone, so those that nobody rated are not counted.
WITHOUT_DOCUMENT: LiteralString = """
WITH rated AS (
    SELECT f.tenant, f.turn_id, f.rating, f.comment, f.updated_at, t.conversation_id, t.number
    FROM feedback f
    JOIN turns t ON t.tenant = f.tenant AND t.turn_id = f.turn_id
    WHERE f.tenant = %(tenant)s AND f.updated_at >= %(since)s AND t.ended_at >= %(since)s
        AND NOT EXISTS (SELECT FROM citations n WHERE n.tenant = f.tenant AND n.turn_id = f.turn_id)
), examples AS (
    SELECT r.turn_id, r.conversation_id, q.content, r.comment, r.updated_at
    FROM (
        SELECT * FROM rated WHERE rating = 'down' ORDER BY updated_at DESC, turn_id DESC LIMIT %(examples)s
    ) r
    JOIN messages q ON q.tenant = r.tenant AND q.conversation_id = r.conversation_id AND q.number = r.number
        AND q.role = 'user'
)
SELECT NULL, NULL, NULL, count(DISTINCT turn_id), count(*) FILTER (WHERE rating = 'up'),
    count(*) FILTER (WHERE rating = 'down'), (
        SELECT coalesce(json_agg(json_build_array(turn_id, conversation_id, content, comment)
            ORDER BY updated_at DESC, turn_id DESC), '[]') FROM examples
    )
FROM rated HAVING count(*) > 0
"""


class PostgresFeedback:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, feedback: Feedback, *, any_user: bool) -> SavedFeedback:
        params = {
            "tenant": feedback.tenant,
            "turn_id": feedback.turn_id,
            "user_id": feedback.user_id,
            "rating": feedback.rating,
            "comment": feedback.comment,
            "any_user": any_user,
        }
        rows = await self._database.run_again_safe(SAVE, params)
        if not rows:
            raise NotFound(f"There is no turn {feedback.turn_id}.")
        return SavedFeedback(*rows[0])

    async def listing(self, tenant: str, *, wanted: FeedbackFilter, after: str | None, limit: int) -> Page[RatedTurn]:
        rows = await self._database.run_again_safe(LISTING, _listing_params(tenant, wanted, after, limit))
        items = tuple(_rated_turn(row) for row in rows[:limit])
        return Page(items, _cursor_of(items[-1]) if len(rows) > limit else None)

    async def documents(self, tenant: str, *, since: datetime, limit: int) -> list[DocumentFeedback]:
        params = {"tenant": tenant, "since": since, "limit": limit, "examples": EXAMPLES}
        cited = await self._database.run_again_safe(DOCUMENTS, params)
        uncited = await self._database.run_again_safe(WITHOUT_DOCUMENT, params)
        return sorted((_document_feedback(row) for row in (*cited, *uncited)), key=most_disliked_first)[:limit]


def _listing_params(tenant: str, wanted: FeedbackFilter, after: str | None, limit: int) -> Params:
    updated_at, turn_id = decode_cursor(after, listing=FEEDBACK_LISTING) if after else (None, None)
    return {
        "tenant": tenant,
        "user_id": wanted.user_id,
        "rating": wanted.rating,
        "since": wanted.since,
        "agent": wanted.agent,
        "document": wanted.document,
        "updated_at": updated_at,
        "turn_id": turn_id,
        "limit": limit,
    }


def _cursor_of(item: RatedTurn) -> str:
    return encode_cursor(Position(item.updated_at, item.turn.turn_id), listing=FEEDBACK_LISTING)


def _rated_turn(row: Sequence[Any]) -> RatedTurn:
    turn = turn_from(row)
    user_id, rating, comment, updated_at, agent, revision = row[14:]
    feedback = Feedback(turn.tenant, turn.turn_id, user_id, Rating(rating), comment)
    return RatedTurn(feedback, turn, agent, revision, updated_at)


def _document_feedback(row: Sequence[Any]) -> DocumentFeedback:
    document_id, url, title, answers, up, down, examples = row
    return DocumentFeedback(
        document_id=document_id,
        url=url,
        title=title,
        answers=answers,
        up=up,
        down=down,
        examples=tuple(
            DislikedTurn(UUID(turn_id), UUID(conversation_id), question, comment)
            for turn_id, conversation_id, question, comment in examples
        ),
    )
