"""Documents, chunks and evidence: what ingestion writes and retrieval returns; and how the last reading went."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Document:
    """A source document before chunking. ``text`` is Markdown or plain text; HTML is converted on reading.

    context: see Chunk.
    """

    document_id: str
    title: str
    text: str
    url: str
    language: str = "en"
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document.

    chunk_id is stable across runs (hash of document id, heading path and text, see rag/documents/chunking.py). ``text``
    is verbatim and what citations quote; ``heading_path`` is prefixed for search and embedding only, and so is
    ``context``: what the author says of the whole document elsewhere than in its text (rag/documents/context.py).
    """

    chunk_id: str
    document_id: str
    title: str
    heading_path: tuple[str, ...]
    text: str
    url: str
    position: int
    language: str = "en"
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A retrieved chunk with how it was found. keyword: BM25 (unbounded); vector: cosine.

    score: 0..1, of the first the confidence in it, of the others in proportion to how well they were found.
    """

    chunk: Chunk
    keyword: float
    vector: float
    score: float


@dataclass(frozen=True, slots=True)
class LastReading:
    """What is known of the readings of a knowledge base, whichever process made them.

    completed_at: the last time that documents were read into the index to the end. failure: why the last reading did
    not bring everything in, and failed_at since when; both None after a good one. skipped: how many files or rows the
    last completed reading left out; named: the first of them, each with its reason. embedding: the model whose vectors
    answer since the last completed reading; None before one.
    """

    knowledge_base: str
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    skipped: int = 0
    named: tuple[tuple[str, str], ...] = ()
    embedding: str | None = None


def unread(wanted: Collection[str], readings: Collection[LastReading]) -> str | None:
    """Why there is no usable index yet, as a sentence; None when there is one.

    wanted: knowledge bases. Each has been tried, and at least one was read to the end: one that cannot be read keeps
    an agent from none of the others.
    """
    known = {each.knowledge_base: each for each in readings}
    untried = next((name for name in wanted if name not in known), None)
    if untried is not None:
        return f"Knowledge base {untried} has not been read yet."
    if not any(each.completed_at for name, each in known.items() if name in wanted):
        return "No knowledge base could be read yet."
    return None
