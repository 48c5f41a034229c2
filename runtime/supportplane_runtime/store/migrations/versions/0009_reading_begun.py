"""When the reading of a knowledge base began, so that others know while one is going on."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE knowledge_readings ADD COLUMN began_at timestamptz")
