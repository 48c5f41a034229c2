"""How the readings of knowledge bases went. What was indexed before counts as read to the end."""

from alembic import op

revision = "0006"
down_revision = "0005"

READINGS = """
CREATE TABLE knowledge_readings (
    tenant text NOT NULL,
    knowledge_base text NOT NULL,
    completed_at timestamptz,
    failed_at timestamptz,
    failure text,
    skipped integer NOT NULL DEFAULT 0,
    named jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (tenant, knowledge_base),
    FOREIGN KEY (tenant) REFERENCES tenants (tenant),
    CONSTRAINT knowledge_readings_failure_check CHECK ((failed_at IS NULL) = (failure IS NULL))
);

-- Knowledge was indexed without a row in tenants, which the first question makes.
INSERT INTO tenants (tenant) SELECT DISTINCT tenant FROM knowledge_collections WHERE chunks > 0 ON CONFLICT DO NOTHING;
INSERT INTO knowledge_readings (tenant, knowledge_base, completed_at)
    SELECT tenant, knowledge_base, now() FROM knowledge_collections WHERE chunks > 0;
"""


def upgrade() -> None:
    op.execute(READINGS)
