"""How many streams (WebSockets and server-sent events) one caller, one key and one address may hold open at once.

A stream keeps its connection for hours at the cost of a ping, so the bounds of connections/places.py alone would let a
single visitor take all places. Counted here, where the caller is known; by address too, because the connections of a
trusted proxy are not. One process counts for itself. Called by api/query/.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from supportplane_runtime import metrics
from supportplane_runtime.domain.identity import Caller, CallerKind
from supportplane_runtime.gateway.connections.peers import Peer
from supportplane_runtime.gateway.errors import TooManyStreams
from supportplane_runtime.settings import Settings

RETRY_AFTER_S = 5  # a guess: streams end with their turns


class Streams:
    def __init__(self, settings: Settings) -> None:
        self._per_user = settings.max_streams_per_user
        self._per_key = settings.max_streams_per_key
        self._per_address = settings.max_connections_per_address
        self._open: Counter[Hashable] = Counter()

    def ensure_room(self, caller: Caller, peer: Peer) -> None:
        """Raises TooManyStreams, which names what is exceeded."""
        for name, holder, bound in self._holders(caller, peer):
            if self._open[holder] >= bound:
                metrics.CONNECTIONS_REFUSED.labels(name).inc()
                detail = f"This {name} has {bound} streams open, as many as it may. Close one first."
                raise TooManyStreams(detail, retry_after_s=RETRY_AFTER_S)

    @contextmanager
    def held(self, caller: Caller, peer: Peer) -> Iterator[None]:
        """A stream is counted while the block runs."""
        holders = [holder for _, holder, _ in self._holders(caller, peer)]
        self._open.update(holders)
        try:
            yield
        finally:
            self._open.subtract(holders)
            for holder in holders:
                if not self._open[holder]:
                    del self._open[holder]

    def _holders(self, caller: Caller, peer: Peer) -> Iterator[tuple[str, Hashable, int]]:
        if caller.kind is not CallerKind.KEY:  # a secret key's server speaks for many users
            yield "user", (caller.tenant, caller.key_id, caller.user_id), self._per_user
        yield "key", (caller.tenant, caller.key_id), self._per_key
        yield "address", peer.source, self._per_address
