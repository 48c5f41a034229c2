"""What of a passage is searched and embedded, and how a change of that is told; pure.

Called by ingestion, by every index and by the ranking, so that all of them see the same words of a passage.
"""

import hashlib

from supportplane_runtime.domain.knowledge import Chunk

# Stored with every chunk: raise it when reading, cutting or searchable_text
# changes, and the next ingestion embeds anew.
RECIPE = "4"


def searchable_text(chunk: Chunk) -> str:
    """What full-text search and the embedder see: title, context and headings before the text, each once."""
    above = (chunk.title, *chunk.context, *chunk.heading_path)
    context = dict.fromkeys(part.strip() for part in above if part.strip())
    first_line = chunk.text.split("\n", 1)[0].strip("# ")
    return "\n".join([*(part for part in context if part != first_line), chunk.text])


def content_hash(chunk: Chunk) -> str:
    """``<embedded>.<placed>``: the one changes with what is searched or embedded, the other with url or position."""
    embedded = digest(RECIPE, chunk.language, searchable_text(chunk), chunk.title)
    return f"{embedded}.{digest(chunk.url, str(chunk.position))[:8]}"


def digest(*parts: str) -> str:
    """128 bits in hex: a billion chunks collide with probability 1e-21."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
