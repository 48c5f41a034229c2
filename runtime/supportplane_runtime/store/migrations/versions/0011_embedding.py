"""A knowledge base has a collection for each model that embeds it, and its last reading says which of them answers."""

from alembic import op

revision = "0011"
down_revision = "0010"

EMBEDDING = """
ALTER TABLE knowledge_collections ADD COLUMN embedding text NOT NULL DEFAULT 'MiniLM-L6-v2';
UPDATE knowledge_collections k SET embedding = 'MultilingualE5-small' WHERE EXISTS (
    SELECT FROM knowledge_chunks c
    WHERE c.tenant = k.tenant AND c.collection_id = k.collection_id AND c.embedder LIKE 'multilingual-e5-small%'
);
ALTER TABLE knowledge_collections ALTER COLUMN embedding DROP DEFAULT;
DROP INDEX knowledge_collections_tenant_knowledge_base_key;
CREATE UNIQUE INDEX knowledge_collections_tenant_knowledge_base_embedding_key
    ON knowledge_collections (tenant, knowledge_base, embedding);

ALTER TABLE knowledge_readings ADD COLUMN embedding text;
UPDATE knowledge_readings r SET embedding = k.embedding FROM knowledge_collections k
    WHERE k.tenant = r.tenant AND k.knowledge_base = r.knowledge_base AND k.chunks > 0;
"""


def upgrade() -> None:
    op.execute(EMBEDDING)
