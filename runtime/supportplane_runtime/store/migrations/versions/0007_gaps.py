"""Questions that the documents do not answer well enough. Those of before are not known: why a turn had no answer was
not stored with it.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

GAPS = """
CREATE TABLE gaps (
    tenant text NOT NULL,
    turn_id uuid NOT NULL,
    reason text NOT NULL,
    question text NOT NULL,
    documents jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, turn_id),
    FOREIGN KEY (tenant, turn_id) REFERENCES turns (tenant, turn_id) ON DELETE CASCADE
);
CREATE INDEX gaps_by_time ON gaps (tenant, created_at, turn_id);

CREATE TABLE gap_meanings (
    tenant text NOT NULL,
    turn_id uuid NOT NULL,
    question text NOT NULL,
    embedder text NOT NULL,
    unrelated real NOT NULL,
    vector bytea NOT NULL,
    PRIMARY KEY (tenant, turn_id),
    FOREIGN KEY (tenant, turn_id) REFERENCES turns (tenant, turn_id) ON DELETE CASCADE
);
"""


def upgrade() -> None:
    op.execute(GAPS)
