"""Who gets a place among the connections of a process, and whose connection is given up for a new one.

A connection *waits* while its client has the next move (to send a request, or to read a reply), and while it asks to
become a WebSocket; otherwise it *works*.
A full house gives up the connection that has waited longest, those that never sent a request first. Only where all
work, a new connection is refused, and even then it gets a place in a small reserve: there server.py answers probes and
says what is exceeded. A request that has arrived and is not read yet is the gateway's move, so such a connection is
passed over. Nothing here does I/O. Made by server.py, one a listener. ADR 0024.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Literal

from starlette.requests import ClientDisconnect
from starlette.types import Scope

from supportplane_runtime import metrics
from supportplane_runtime.gateway.connections.peers import Peer, TrustedProxies

PLACE_EXTENSION = "supportplane.place"  # server.py: the Held of a request's connection
ACCEPTED_AT_ONCE = 32  # in one round of the event loop; their requests are read before the next round but one
PASSED_OVER = 2 * ACCEPTED_AT_ONCE  # connections with an unread request, for one new connection
RESERVE = 3 * ACCEPTED_AT_ONCE  # one round that is accepted, one that is read, one that is closed

Exceeded = Literal["process", "address"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Connections of one listener. per_address does not hold for trusted proxies, which carry many clients."""

    total: int
    per_address: int


def _never() -> bool:
    return False


@dataclass(eq=False, slots=True)
class Place:
    """Of one connection.

    give_up: closes it. has_sent: whether bytes of the client wait to be read by the gateway. exceeded: what a place in
    the reserve was given for, else None.
    """

    give_up: Callable[[], None]
    has_sent: Callable[[], bool] = _never
    source: str | None = None  # None: a trusted proxy, or the reserve
    exceeded: Exceeded | None = None
    rooms: tuple["Room", ...] = ()
    is_known: bool = field(default=False)  # it has sent a whole request


class Room:
    """At most ``bound`` places, and the order in which they are given up."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._places: set[Place] = set()
        self._strangers: dict[Place, None] = {}  # dicts keep the order of entry, and forget any entry in one step
        self._known: dict[Place, None] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def is_full(self) -> bool:
        return len(self._places) >= self._bound

    @property
    def waiting(self) -> Iterator[Place]:
        """In the order in which they are given up."""
        return chain(self._strangers, self._known)

    def add(self, place: Place) -> None:
        self._places.add(place)

    def remove(self, place: Place) -> None:
        self.works(place)
        self._places.discard(place)

    def waits(self, place: Place) -> None:
        self.works(place)
        (self._known if place.is_known else self._strangers)[place] = None

    def works(self, place: Place) -> None:
        self._strangers.pop(place, None)
        self._known.pop(place, None)


class Connections:
    def __init__(self, bounds: Bounds, proxies: TrustedProxies) -> None:
        self._bounds = bounds
        self._proxies = proxies
        self._house = Room(bounds.total)
        self._reserve = Room(RESERVE)
        self._sources: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._house) + len(self._reserve)

    def enter(self, host: str, give_up: Callable[[], None], has_sent: Callable[[], bool] = _never) -> Place:
        """A place that waits for its client. host: the other end's IP address. May give up another connection."""
        place = Place(give_up, has_sent)
        place.source = None if self._proxies.trusts(host) else Peer(host).source
        exceeded = self._make_room(place.source)
        if exceeded is None:
            self._settle(place, self._rooms_of(place.source))
        else:
            metrics.CONNECTIONS_REFUSED.labels(exceeded).inc()
            place.exceeded, place.source = exceeded, None
            if not self._vacate(self._reserve):
                self._evict(next(self._reserve.waiting, None))
            self._settle(place, (self._reserve,))
        return place

    def leave(self, place: Place) -> None:
        """May be said twice: of a connection that is given up, and when it has closed."""
        if not place.rooms:
            return
        for room in place.rooms:
            room.remove(place)
        place.rooms = ()
        metrics.CONNECTIONS_OPEN.dec()
        if place.source is not None and not self._sources[place.source]:
            del self._sources[place.source]

    def waits(self, place: Place) -> None:
        """From now on, also if it did before."""
        for room in place.rooms:
            room.waits(place)

    def works(self, place: Place) -> None:
        place.is_known = True
        for room in place.rooms:
            room.works(place)

    def held(self, place: Place) -> "Held":
        return Held(self, place)

    def _make_room(self, source: str | None) -> Exceeded | None:
        own = self._sources.get(source) if source is not None else None
        if own is not None and not self._vacate(own):
            return "address"
        return None if self._vacate(self._house) else "process"

    def _vacate(self, room: Room) -> bool:
        """Whether the room has a free place, now or because another connection was given up."""
        return not room.is_full or self._evict(self._next_to_go(room))

    def _next_to_go(self, room: Room) -> Place | None:
        """None when all work. Who has sent something waits anew, so that no place is looked at again and again."""
        for place in tuple(islice(room.waiting, PASSED_OVER)):
            if not place.has_sent():
                return place
            self.waits(place)
        return None

    def _evict(self, place: Place | None) -> bool:
        """Whether there was one."""
        if place is None:
            return False
        self.leave(place)
        metrics.CONNECTIONS_CUT.labels("evicted").inc()
        place.give_up()
        return True

    def _rooms_of(self, source: str | None) -> tuple[Room, ...]:
        if source is None:
            return (self._house,)
        return (self._house, self._sources.setdefault(source, Room(self._bounds.per_address)))

    def _settle(self, place: Place, rooms: tuple[Room, ...]) -> None:
        place.rooms = rooms
        metrics.CONNECTIONS_OPEN.inc()
        for room in rooms:
            room.add(place)
            room.waits(place)


@dataclass(frozen=True, slots=True)
class Held:
    """A connection's place, as the application below sees it."""

    connections: Connections
    place: Place

    @property
    def is_given_up(self) -> bool:
        return not self.place.rooms

    def waits(self) -> None:
        self.connections.waits(self.place)

    def works(self) -> None:
        self.connections.works(self.place)


@contextmanager
def giving_way(scope: Scope) -> Iterator[None]:
    """While the block runs, the connection may be given up as if it waited: for replies that are held back."""
    held = scope.get("extensions", {}).get(PLACE_EXTENSION)
    if held is None:  # a server that is not ours
        yield
        return
    held.waits()
    try:
        yield
    finally:
        held.works()


def ensure_kept(scope: Scope) -> None:
    """Raises ClientDisconnect when the connection has ended, or was given up for another one."""
    held = scope.get("extensions", {}).get(PLACE_EXTENSION)
    if held is not None and held.is_given_up:
        raise ClientDisconnect
