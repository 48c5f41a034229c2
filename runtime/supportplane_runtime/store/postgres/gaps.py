"""Gaps on PostgreSQL, and what their questions mean.

Both statements choose turns in the indexes of gaps and of feedback, by time, before anything is joined to them.
"""

# ruff: noqa: S608  # statements are put together from constants of this package; values are always parameters

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from supportplane_runtime.domain.gaps import GapReason, NearDocument
from supportplane_runtime.store.interfaces.gaps import (
    HISTORY,
    RECENT,
    Gap,
    Meaning,
    PlacedQuestion,
    UnplacedQuestion,
)
from supportplane_runtime.store.postgres.database import Database
from supportplane_runtime.store.postgres.rows import messages_from
from supportplane_runtime.store.postgres.turns import HISTORY as HISTORY_BEFORE

# A turn may be a gap and disliked; several users may dislike it.
NEWEST: LiteralString = """
newest AS (
    SELECT tenant, turn_id, max(asked_at) AS asked_at
    FROM (
        (SELECT g.tenant, g.turn_id, g.created_at AS asked_at
        FROM gaps g JOIN turns t ON t.tenant = g.tenant AND t.turn_id = g.turn_id
        WHERE g.tenant = %(tenant)s AND g.created_at >= {since}
            AND (%(agent)s::text IS NULL OR t.agent IS NULL OR t.agent = %(agent)s)
        ORDER BY g.created_at DESC {limit})
        UNION ALL
        (SELECT f.tenant, f.turn_id, f.updated_at
        FROM feedback f JOIN turns t ON t.tenant = f.tenant AND t.turn_id = f.turn_id
        WHERE f.tenant = %(tenant)s AND f.updated_at >= {since} AND f.rating = 'down'
            AND (%(agent)s::text IS NULL OR t.agent IS NULL OR t.agent = %(agent)s)
        ORDER BY f.updated_at DESC {limit})
    ) asked
    GROUP BY tenant, turn_id
    ORDER BY asked_at DESC, turn_id DESC {limit}
)
"""

LISTING: LiteralString = f"""
WITH {NEWEST.format(since="%(since)s", limit="LIMIT %(limit)s")}
SELECT n.turn_id, t.conversation_id, c.user_id, coalesce(g.question, m.question, q.content), g.reason,
    thumbs.down, thumbs.comment, n.asked_at, coalesce(g.documents::json, cited.documents),
    m.embedder, m.unrelated, m.vector
FROM newest n
JOIN turns t ON t.tenant = n.tenant AND t.turn_id = n.turn_id
JOIN conversations c ON c.tenant = t.tenant AND c.conversation_id = t.conversation_id
JOIN messages q ON q.tenant = t.tenant AND q.conversation_id = t.conversation_id AND q.number = t.number
    AND q.role = 'user'
LEFT JOIN gaps g ON g.tenant = n.tenant AND g.turn_id = n.turn_id
LEFT JOIN gap_meanings m ON m.tenant = n.tenant AND m.turn_id = n.turn_id
CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS down, (array_agg(f.comment ORDER BY f.updated_at DESC))[1] AS comment
    FROM feedback f WHERE f.tenant = n.tenant AND f.turn_id = n.turn_id AND f.rating = 'down'
) thumbs
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_array(d.document_id, d.title, d.url) ORDER BY d.document_id), '[]') AS documents
    FROM citations d WHERE d.tenant = n.tenant AND d.turn_id = n.turn_id
) cited
ORDER BY n.asked_at DESC, n.turn_id DESC
"""

UNPLACED: LiteralString = f"""
WITH {NEWEST.format(since="now() - %(recent)s", limit="")}
SELECT n.turn_id, coalesce(g.question, q.content),
    CASE WHEN g.question IS NULL THEN ({HISTORY_BEFORE.format(turn="o")}) ELSE '[]' END, count(*) OVER ()
FROM newest n
JOIN turns o ON o.tenant = n.tenant AND o.turn_id = n.turn_id
JOIN messages q ON q.tenant = o.tenant AND q.conversation_id = o.conversation_id AND q.number = o.number
    AND q.role = 'user'
LEFT JOIN gaps g ON g.tenant = n.tenant AND g.turn_id = n.turn_id
LEFT JOIN gap_meanings m ON m.tenant = n.tenant AND m.turn_id = n.turn_id AND m.embedder = %(embedder)s
WHERE m.turn_id IS NULL
ORDER BY n.asked_at DESC, n.turn_id DESC LIMIT %(limit)s
"""

# Two orchestrators may embed the same question: the second says the same.
PLACE: LiteralString = """
INSERT INTO gap_meanings (tenant, turn_id, question, embedder, unrelated, vector)
SELECT t.tenant, t.turn_id, p.question, p.embedder, p.unrelated, decode(p.vector, 'hex')
FROM jsonb_to_recordset(%(questions)s)
    AS p (turn_id uuid, question text, embedder text, unrelated real, vector text)
JOIN turns t ON t.tenant = %(tenant)s AND t.turn_id = p.turn_id
ON CONFLICT (tenant, turn_id) DO UPDATE SET question = excluded.question, embedder = excluded.embedder,
    unrelated = excluded.unrelated, vector = excluded.vector
"""


class PostgresGaps:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def listing(self, tenant: str, *, since: datetime, agent: str | None, limit: int) -> list[Gap]:
        params = {"tenant": tenant, "since": since, "agent": agent, "limit": limit}
        return [_gap(row) for row in await self._database.run_again_safe(LISTING, params)]

    async def unplaced(
        self, tenant: str, *, agent: str | None, embedder: str, limit: int
    ) -> tuple[list[UnplacedQuestion], int]:
        params = {"tenant": tenant, "agent": agent, "embedder": embedder, "limit": limit, "recent": RECENT}
        rows = await self._database.run_again_safe(UNPLACED, {**params, "history_limit": HISTORY})
        found = [UnplacedQuestion(turn_id, question, messages_from(history)) for turn_id, question, history, _ in rows]
        return found, rows[0][3] if rows else 0

    async def place(self, tenant: str, questions: Sequence[PlacedQuestion]) -> None:
        if questions:
            rows = Jsonb([_document(each) for each in questions])
            await self._database.run_again_safe(PLACE, {"tenant": tenant, "questions": rows})


def _gap(row: Sequence[Any]) -> Gap:
    documents, embedder, unrelated, vector = row[8:]
    return Gap(
        turn_id=row[0],
        conversation_id=row[1],
        user_id=row[2],
        question=row[3],
        reason=GapReason(row[4]) if row[4] else None,
        disliked=row[5],
        comment=row[6],
        asked_at=row[7],
        documents=tuple(NearDocument(*each) for each in documents),
        meaning=Meaning(embedder, unrelated, bytes(vector)) if embedder else None,
    )


def _document(placed: PlacedQuestion) -> dict[str, Any]:
    meaning = placed.meaning
    return {
        "turn_id": str(placed.turn_id),
        "question": placed.question,
        "embedder": meaning.embedder,
        "unrelated": meaning.unrelated,
        "vector": meaning.vector.hex(),
    }
