import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportplane_runtime.gateway.connections.peers import UNKNOWN, Peer, TrustedProxies

PROXIES = TrustedProxies(["10.0.0.0/8", "fd00::/8"])


def scope(client: str | None, **headers: str) -> dict[str, object]:
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "client": (client, 4711) if client else None, "headers": named}


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # a stranger's header
        ("10.1.1.1", "", "10.1.1.1"),
        ("10.1.1.1", "198.51.100.7", "198.51.100.7"),
        ("10.1.1.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # the first one is the client's own word
        ("10.1.1.1", "203.0.113.9, 198.51.100.7, 10.2.2.2", "198.51.100.7"),
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("10.1.1.1", "198.51.100.7:55112", "198.51.100.7"),
        ("10.1.1.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("10.1.1.1", "2001:db8::7", "2001:db8::7"),
        ("10.1.1.1", "unknown", "10.1.1.1"),
        ("10.1.1.1", "198.51.100.7, <script>, 10.2.2.2", "10.2.2.2"),
        ("10.1.1.1", " , ,", "10.1.1.1"),
        ("::ffff:10.1.1.1", "198.51.100.7", "198.51.100.7"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("fd00::1", "198.51.100.7", "198.51.100.7"),
        (None, "198.51.100.7", UNKNOWN),
        ("testclient", "198.51.100.7", UNKNOWN),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_no_trusted_proxy(
    client: str | None, forwarded: str, address: str
) -> None:
    assert PROXIES.peer(scope(client, x_forwarded_for=forwarded)).address == address


@pytest.mark.parametrize(
    ("client", "told", "scheme"),
    [
        ("192.0.2.1", "https", "http"),
        ("10.1.1.1", "https", "https"),
        ("10.1.1.1", "HTTPS", "https"),
        ("10.1.1.1", "wss", "https"),
        ("10.1.1.1", "http, https", "https"),
        ("10.1.1.1", "https, http", "http"),
        ("10.1.1.1", "gopher", "http"),
        ("10.1.1.1", "", "http"),
    ],
)
def test_tls_is_believed_of_trusted_proxies_only(client: str, told: str, scheme: str) -> None:
    assert PROXIES.peer(scope(client, x_forwarded_proto=told)).scheme == scheme


def test_several_headers_are_one_list() -> None:
    split = scope("10.1.1.1")
    split["headers"] = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"198.51.100.7, 10.2.2.2")]
    assert PROXIES.peer(split) == Peer("198.51.100.7", "http", is_proxied=True)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (UNKNOWN, UNKNOWN),
    ],
)
def test_limits_count_a_whole_site_of_ipv6_as_one(address: str, source: str) -> None:
    assert Peer(address).source == source


def test_without_trusted_proxies_no_header_is_believed() -> None:
    peer = TrustedProxies().peer(scope("127.0.0.1", x_forwarded_for="198.51.100.7", x_forwarded_proto="https"))
    assert peer == Peer("127.0.0.1", "http", is_proxied=False)


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_no_header_breaks_the_reading(forwarded: str, told: str) -> None:
    found = PROXIES.peer(scope("10.1.1.1", x_forwarded_for=forwarded, x_forwarded_proto=told))
    assert found.source
    assert found.scheme in {"http", "https"}
