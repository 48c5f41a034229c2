"""Audit entries tell which agent wrote them, and those that have expired are found without reading the whole log."""

from alembic import op

revision = "0004"
down_revision = "0003"

AUDIT = """
-- NULL in rows of before, and of what people do with the command line.
ALTER TABLE audit ADD COLUMN agent text;

-- Entries are written in the order of time, so a few pages of this index tell of millions of rows.
CREATE INDEX audit_expiry ON audit USING brin (created_at) WITH (autosummarize = true);
"""


def upgrade() -> None:
    op.execute(AUDIT)
