"""Which questions are the same one, and where the answer to them is kept. Pure.

Called by repeated.py and by the part of the gateway that ends kept answers, so it loads nothing of the graph.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from supportplane_runtime.store.interfaces.answers import PLACE_BYTES

# Marks that end a word or stand around it, and say nothing. What begins or stands in a word stays: `-5`, `.env`, `C++`.
_AFTER: Final = "?!.,;:…\"'”’»"  # noqa: RUF001 - quotation marks as people type them
_BEFORE: Final = "¿¡\"'“‘„«"  # noqa: RUF001 - the same


def place_of_question(secret: bytes, tenant: str, agent: str, question: str) -> bytes:
    """Where the answers to equal questions are kept."""
    return hmac.digest(secret, as_bytes((tenant, agent, same_for_equal(question))), hashlib.sha256)[:PLACE_BYTES]


def as_bytes(parts: Sequence[str]) -> bytes:
    return "\x1f".join(parts).encode("utf-8", "surrogatepass")


def same_for_equal(question: str) -> str:
    """Equal for questions that differ in case, spacing and marks around words alone."""
    words = (word.rstrip(_AFTER).lstrip(_BEFORE) for word in question.casefold().split())
    return " ".join(word for word in words if word)
