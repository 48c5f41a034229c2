"""Chunks of knowledge with their vectors and lexemes, as rag/index/pgvector.py searches them.

Vectors stand in a table of their own, inline (1.5 KB a row, never TOASTed): a scan over a collection's vectors reads
nothing else. A lexeme's row repeats the chunk's length, so full-text search is a scan of one index and no join. Both
have no foreign key: a check for each of the 140 lexemes of a chunk made writing 20 times slower, and
rag/index/pgvector.py writes and deletes the three together.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

KNOWLEDGE = """
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE knowledge_collections (
    tenant text NOT NULL,
    collection_id integer GENERATED ALWAYS AS IDENTITY,
    knowledge_base text NOT NULL,
    chunks integer NOT NULL DEFAULT 0,
    lexemes bigint NOT NULL DEFAULT 0,
    graph boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, collection_id)
);
CREATE UNIQUE INDEX knowledge_collections_tenant_knowledge_base_key
    ON knowledge_collections (tenant, knowledge_base);

CREATE TABLE knowledge_chunks (
    tenant text NOT NULL,
    collection_id integer NOT NULL,
    chunk_key bigint GENERATED ALWAYS AS IDENTITY,
    chunk_id text NOT NULL,
    document_id text NOT NULL,
    title text NOT NULL,
    heading_path text[] NOT NULL,
    content text NOT NULL,
    url text NOT NULL,
    position integer NOT NULL,
    language text NOT NULL,
    content_hash text NOT NULL,
    embedder text NOT NULL,
    length integer NOT NULL,
    PRIMARY KEY (tenant, collection_id, chunk_key),
    FOREIGN KEY (tenant, collection_id) REFERENCES knowledge_collections (tenant, collection_id)
);
CREATE UNIQUE INDEX knowledge_chunks_tenant_collection_id_chunk_id_key
    ON knowledge_chunks (tenant, collection_id, chunk_id);

CREATE TABLE knowledge_vectors (
    tenant text NOT NULL,
    collection_id integer NOT NULL,
    chunk_key bigint NOT NULL,
    embedding vector NOT NULL,
    PRIMARY KEY (tenant, collection_id, chunk_key)
);
ALTER TABLE knowledge_vectors ALTER COLUMN embedding SET STORAGE PLAIN;

CREATE TABLE knowledge_lexemes (
    tenant text NOT NULL,
    collection_id integer NOT NULL,
    lexeme text COLLATE "C" NOT NULL,
    chunk_key bigint NOT NULL,
    occurrences integer NOT NULL,
    length integer NOT NULL,
    PRIMARY KEY (tenant, collection_id, lexeme, chunk_key) INCLUDE (occurrences, length)
);
-- For deletions only. It does not begin with the tenant, or a planner without statistics takes it for searches.
CREATE INDEX knowledge_lexemes_of_chunk ON knowledge_lexemes (chunk_key);
"""


def upgrade() -> None:
    op.execute(KNOWLEDGE)
