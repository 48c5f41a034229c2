"""A scripted chat model for unit tests: says what it was told to say, fails where it was told to fail."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.model.interfaces import ChatMessage, Generation


@dataclass(slots=True)
class ScriptedChatModel:
    """replies: one per call, each a list of deltas; the last one repeats. ``fails_after``: deltas before it breaks."""

    replies: Sequence[Sequence[str]]
    fails_after: int | None = None
    calls: list[tuple[tuple[ChatMessage, ...], Generation]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "scripted"

    async def stream(self, messages: Sequence[ChatMessage], generation: Generation) -> AsyncGenerator[str]:
        reply = self.replies[min(len(self.calls), len(self.replies) - 1)]
        self.calls.append((tuple(messages), generation))
        for count, delta in enumerate(reply):
            if count == self.fails_after:
                break
            yield delta
        if self.fails_after is not None:
            raise ModelUnavailable("The scripted model broke off")

    async def probe(self) -> None:
        if self.fails_after == 0:
            raise ModelUnavailable("The scripted model is away")

    async def close(self) -> None:
        """Nothing is held."""
