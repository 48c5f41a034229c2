"""What several processes and several agents on one database need of it: shared secrets, whose turn and key a row is."""

from alembic import op

revision = "0003"
down_revision = "0002"

PROCESSES = """
CREATE TABLE shared_secrets (
    tenant text NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, name),
    FOREIGN KEY (tenant) REFERENCES tenants (tenant)
);

-- NULL in rows of before: any agent of the tenant may take such a turn up.
ALTER TABLE turns ADD COLUMN agent text;

-- NULL: made by a person. Otherwise the agent whose directory of keys it came from.
ALTER TABLE api_keys ADD COLUMN agent text;
"""


def upgrade() -> None:
    op.execute(PROCESSES)
