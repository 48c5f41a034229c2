import pytest

from support.gateway.scripted_gateway import make_settings
from supportplane_runtime.domain.identity import Caller, CallerKind, Scope
from supportplane_runtime.gateway.connections.peers import Peer
from supportplane_runtime.gateway.errors import TooManyStreams
from supportplane_runtime.gateway.limits.streams import Streams

HERE, THERE = Peer("192.0.2.1"), Peer("192.0.2.2")


def streams(**bounds: int) -> Streams:
    return Streams(make_settings(**bounds))


def visitor(user_id: str, key_id: str = "widget") -> Caller:
    return Caller("acme", key_id, CallerKind.WIDGET, frozenset({Scope.INVOKE}), user_id)


SERVER = Caller("acme", "server", CallerKind.KEY, frozenset({Scope.INVOKE}))


def test_a_visitor_holds_a_few_streams_and_leaves_the_others_theirs() -> None:
    found = streams(max_streams_per_user=2)
    with found.held(visitor("a"), HERE), found.held(visitor("a"), THERE):
        with pytest.raises(TooManyStreams, match="This user has 2 streams open"):
            found.ensure_room(visitor("a"), HERE)
        found.ensure_room(visitor("b"), HERE)
        found.ensure_room(visitor("a", "another widget"), HERE)
    found.ensure_room(visitor("a"), HERE)


def test_a_secret_key_speaks_for_many_users_and_has_the_bound_of_a_key_only() -> None:
    found = streams(max_streams_per_user=1, max_streams_per_key=2)
    with found.held(SERVER, HERE):
        found.ensure_room(SERVER, HERE)
        with found.held(SERVER, HERE), pytest.raises(TooManyStreams, match="This key has 2 streams open"):
            found.ensure_room(SERVER, HERE)


def test_the_clients_behind_a_trusted_proxy_have_a_bound_per_address_as_well() -> None:
    found = streams(max_connections_per_address=1)
    with found.held(visitor("a"), Peer("192.0.2.1", is_proxied=True)):
        with pytest.raises(TooManyStreams, match="This address has 1 streams open"):
            found.ensure_room(visitor("b"), HERE)
        found.ensure_room(visitor("b"), THERE)


def test_a_stream_that_fails_gives_its_place_back() -> None:
    found = streams(max_streams_per_user=1)
    with pytest.raises(RuntimeError), found.held(visitor("a"), HERE):
        raise RuntimeError
    found.ensure_room(visitor("a"), HERE)
