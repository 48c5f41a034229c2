"""Chunks are found by their place in a document, so that a quotation reaches beyond the chunk that was found.

By a prefix of the document's id, which is a path of any length, because an entry of an index is at most 2,700 bytes.
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX knowledge_chunks_by_place"
        " ON knowledge_chunks (tenant, collection_id, left(document_id, 200), position)"
    )
