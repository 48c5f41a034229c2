"""What the orchestrator asks of a chat model. Implementations: chat.py (huggingface_hub), memory.py (tests)."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: str  # system | user | assistant
    content: str


@dataclass(frozen=True, slots=True)
class Generation:
    """How to generate. schema: JSON schema the output must follow (grammar-constrained), or None for free text."""

    max_tokens: int
    temperature: float = 0.2
    schema: dict[str, Any] | None = None
    seed: int | None = None


class ChatModel(Protocol):
    @property
    def name(self) -> str: ...

    def stream(self, messages: Sequence[ChatMessage], generation: Generation) -> AsyncGenerator[str]:
        """Text deltas. Retries only before the first one. Raises ModelUnavailable.

        Close the generator when leaving it early: that frees the server's slot.
        """
        ...

    async def probe(self) -> None:
        """One cheap call that proves the model answers. Raises ModelUnavailable with the reason."""
        ...

    async def close(self) -> None: ...
