"""What is searched beside title and headings of a passage: the author's description, the words of the path.

Passages that were indexed before have none until the next ingestion, which writes them all anew.
"""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE knowledge_chunks ADD COLUMN context text[] NOT NULL DEFAULT '{}'")
