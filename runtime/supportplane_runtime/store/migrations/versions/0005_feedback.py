"""What reading feedback needs: the revision that answered, which documents an answer cites, and an order by time."""

from alembic import op

revision = "0005"
down_revision = "0004"

FEEDBACK = """
-- NULL in rows of before: nobody knows any more which revision answered.
ALTER TABLE turns ADD COLUMN revision text;

CREATE INDEX feedback_listing ON feedback (tenant, updated_at, turn_id);

CREATE TABLE citations (
    tenant text NOT NULL,
    turn_id uuid NOT NULL,
    document_id text NOT NULL,
    url text NOT NULL,
    title text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, turn_id, document_id),
    FOREIGN KEY (tenant, turn_id) REFERENCES turns (tenant, turn_id)
);
"""

# Of the answers that were given before; an index that is built afterwards is built in one pass.
CITED_BEFORE = """
INSERT INTO citations (tenant, turn_id, document_id, url, title, created_at)
SELECT DISTINCT ON (t.tenant, t.turn_id, s.document_id)
    t.tenant, t.turn_id, s.document_id, s.url, s.title, coalesce(t.ended_at, t.created_at)
FROM turns t
CROSS JOIN LATERAL jsonb_to_recordset(t.answer -> 'sources') AS s (document_id text, url text, title text)
WHERE t.status = 'finished';

CREATE INDEX citations_by_time ON citations (tenant, created_at, document_id, turn_id);
"""


def upgrade() -> None:
    op.execute(FEEDBACK)
    op.execute(CITED_BEFORE)
