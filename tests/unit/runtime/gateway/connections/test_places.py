from dataclasses import dataclass, field

from supportplane_runtime.gateway.connections.peers import TrustedProxies
from supportplane_runtime.gateway.connections.places import RESERVE, Bounds, Connections, Place

HERE, THERE, PROXY = "192.0.2.1", "192.0.2.2", "10.0.0.9"


@dataclass
class House:
    """Connections that note, by a name, who was given up."""

    connections: Connections
    gone: list[str] = field(default_factory=list)

    def enter(self, name: str, host: str = HERE) -> Place:
        return self.connections.enter(host, lambda: self.gone.append(name))

    def working(self, name: str, host: str = HERE) -> Place:
        place = self.enter(name, host)
        self.connections.works(place)
        return place


def house(*, total: int = 3, per_address: int = 3) -> House:
    return House(Connections(Bounds(total, per_address), TrustedProxies(["10.0.0.0/8"])))


def test_a_full_house_gives_up_the_connection_that_has_been_silent_longest() -> None:
    found = house()
    for name in "abcd":
        assert found.enter(name).exceeded is None
    assert found.gone == ["a"]
    assert len(found.connections) == 3


def test_who_never_sent_a_request_goes_before_who_is_between_two() -> None:
    found = house()
    known = found.working("known")
    found.connections.waits(known)
    found.enter("stranger")
    found.enter("another stranger")
    for name in "abc":
        found.enter(name)
    assert found.gone == ["stranger", "another stranger", "a"]


def test_who_waits_anew_goes_last() -> None:
    found = house(total=2)
    first, second = found.working("first"), found.working("second")
    for place in (first, second, first):
        found.connections.waits(place)
    found.enter("new")
    assert found.gone == ["second"]


def test_connections_that_work_are_never_given_up_and_a_new_one_gets_a_place_in_the_reserve() -> None:
    found = house()
    for name in "abc":
        found.working(name)
    assert found.enter("late", THERE).exceeded == "process"
    assert found.gone == []


def test_the_reserve_is_bounded_and_gives_up_its_oldest_as_well() -> None:
    found = house(total=1)
    found.working("works")
    for number in range(RESERVE + 2):
        found.enter(str(number), THERE)
    assert found.gone == ["0", "1"]
    assert len(found.connections) == 1 + RESERVE


def test_an_address_has_a_bound_of_its_own_and_gives_up_its_own_connections() -> None:
    found = house(total=10, per_address=2)
    found.enter("neighbour", THERE)
    for name in "abc":
        assert found.enter(name).exceeded is None
    assert found.gone == ["a"]


def test_an_address_whose_connections_all_work_is_told_so_and_leaves_room_to_others() -> None:
    found = house(total=10, per_address=2)
    places = [found.working(name) for name in "ab"]
    assert found.enter("c").exceeded == "address"
    assert found.enter("neighbour", THERE).exceeded is None
    found.connections.leave(places[0])
    assert found.enter("d").exceeded is None


def test_the_addresses_of_an_ipv6_network_count_together() -> None:
    found = house(total=10, per_address=2)
    for number in range(2):
        found.working("x", f"2001:db8::{number}")
    assert found.enter("x", "2001:db8::ffff").exceeded == "address"
    assert found.enter("x", "2001:db8:0:1::1").exceeded is None


def test_a_trusted_proxy_has_no_bound_per_address() -> None:
    found = house(total=10, per_address=2)
    assert [found.working(str(n), PROXY).exceeded for n in range(10)] == [None] * 10
    assert found.enter("one too many", PROXY).exceeded == "process"


def test_leaving_twice_gives_back_one_place() -> None:
    found = house(total=2)
    first = found.working("first")
    found.working("second")
    found.connections.leave(first)
    found.connections.leave(first)
    assert [found.working(name).exceeded for name in "ab"] == [None, "process"]


def test_who_was_given_up_takes_no_place_when_it_goes_on() -> None:
    found = house(total=1)
    first = found.enter("first")
    second = found.working("second")
    found.connections.waits(first)
    found.connections.works(second)
    assert found.enter("third").exceeded == "process"
    assert found.gone == ["first"]
