"""One-time links and sessions in memory."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.credentials import digest, mint_token, session_id_of
from supportplane_runtime.store.interfaces.sessions import SESSION_TTL, OpenSession, Redeemed, Session
from supportplane_runtime.store.memory.state import Clock


@dataclass(slots=True)
class _Expiring:
    tenant: str
    user_id: str
    until: datetime


class MemorySessions:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: dict[bytes, _Expiring] = {}
        self._sessions: dict[bytes, _Expiring] = {}

    async def create_link(self, tenant: str, user_id: str, *, ttl_s: int) -> str:
        token = mint_token()
        until = self._clock() + timedelta(seconds=ttl_s)
        self._links[digest(token)] = _Expiring(tenant, user_id, until)
        return token

    async def redeem(self, token: str) -> Redeemed | None:
        link = self._links.pop(digest(token), None)
        if link is None or link.until <= self._clock():
            return None
        secret = mint_token()
        until = self._clock() + SESSION_TTL
        self._sessions[digest(secret)] = _Expiring(link.tenant, link.user_id, until)
        return Redeemed(secret, link.user_id)

    async def lookup(self, secret: str) -> Session | None:
        session = self._sessions.get(digest(secret))
        if session is None or session.until <= self._clock():
            return None
        return Session(session.tenant, session.user_id)

    async def end(self, secret: str) -> Session | None:
        found = await self.lookup(secret)
        self._sessions.pop(digest(secret), None)
        return found

    async def listing(self, tenant: str) -> list[OpenSession]:
        live = sorted((each.until, place, each.user_id) for place, each in self._live(tenant))
        return [OpenSession(session_id_of(place), user, until - SESSION_TTL, until) for until, place, user in live]

    async def end_one(self, tenant: str, session_id: str) -> None:
        for place, _ in self._live(tenant):
            if session_id_of(place) == session_id:
                del self._sessions[place]
                return
        raise NotFound(f"There is no session {session_id}.")

    async def end_all(self, tenant: str) -> int:
        ended = self._live(tenant)
        for held in (self._sessions, self._links):
            for place in [place for place, each in held.items() if each.tenant == tenant]:
                del held[place]
        return len(ended)

    def _live(self, tenant: str) -> list[tuple[bytes, _Expiring]]:
        now = self._clock()
        return [(place, each) for place, each in self._sessions.items() if each.tenant == tenant and each.until > now]
