"""Sessions of the chat page and the one-time links that they begin with."""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

# A working day on the page; a guess, there is no refresh yet.
SESSION_TTL = timedelta(hours=12)


class Session(NamedTuple):
    tenant: str
    user_id: str


class OpenSession(NamedTuple):
    """A session as lists show it. session_id: the beginning of the stored hash, which signs nobody in."""

    session_id: str
    user_id: str
    started_at: datetime
    expires_at: datetime


class Redeemed(NamedTuple):
    """``secret`` goes into the cookie and is stored hashed; it lives for SESSION_TTL."""

    secret: str
    user_id: str


class Sessions(Protocol):
    """Short sessions of the chat page; one-time links are redeemed once."""

    async def create_link(self, tenant: str, user_id: str, *, ttl_s: int) -> str: ...

    async def redeem(self, token: str) -> Redeemed | None:
        """Exchange a one-time token for a session, or None when unknown, used or expired."""
        ...

    async def lookup(self, secret: str) -> Session | None:
        """The live session, or None."""
        ...

    async def end(self, secret: str) -> Session | None:
        """The session that lived until now, or None."""
        ...

    async def listing(self, tenant: str) -> list[OpenSession]:
        """Those that live, oldest first."""
        ...

    async def end_one(self, tenant: str, session_id: str) -> None:
        """Raises NotFound."""
        ...

    async def end_all(self, tenant: str) -> int:
        """How many sessions ended. One-time links that nobody has used end too, because each would become one."""
        ...
