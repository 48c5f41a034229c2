"""Documents, chunks and evidence: what ingestion writes and retrieval returns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """A source document before chunking. ``text`` is Markdown or plain text; HTML is converted on reading."""

    document_id: str
    title: str
    text: str
    url: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document.

    chunk_id is stable across runs (hash of document id, heading path and text, see rag/chunking.py). ``text`` is
    verbatim and what citations quote; ``heading_path`` is prefixed for search and embedding only.
    """

    chunk_id: str
    document_id: str
    title: str
    heading_path: tuple[str, ...]
    text: str
    url: str
    position: int
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A retrieved chunk with how it was found. keyword: BM25 (unbounded); vector: cosine; score: fused, 0..1."""

    chunk: Chunk
    keyword: float
    vector: float
    score: float
