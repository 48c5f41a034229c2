"""Rate limits: how many requests of a subject are let through in a window."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """``requests`` in any ``window``, for each subject that is counted."""

    requests: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class LimitDecision:
    allowed: bool
    limit: int
    remaining: int
    reset_after_s: int
    window_s: int


class RateLimiter(Protocol):
    """Made with one Limit per scope (``{"APIKey": Limit(...)}``); asking for another scope is a KeyError."""

    async def hit(self, tenant: str, subject: str, scope: str) -> LimitDecision:
        """Count one request of a key, a user, an address, ...: whatever the scope counts by.

        When Redis is away, a local share of the limit applies (fail-open is counted).
        """
        ...
