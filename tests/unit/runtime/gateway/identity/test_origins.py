import pytest
from starlette.datastructures import Headers

from supportplane_runtime.gateway.identity.origins import (
    is_bound,
    is_foreign,
    is_known_host,
    is_proven_same_origin,
    is_same_origin,
)

LISTED = frozenset({"localhost", "agent.example"})


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("agent.example:443", True),
        ("127.0.0.1:8080", True),
        ("10.1.2.3", True),
        ("[::1]:8080", True),
        ("[fe80::1]", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("2130706433", False),
        ("", False),
        ("localhost:8080:1", False),
        ("localhost evil", False),
        ("user@localhost", False),
        ("[::1", False),
        ("localhost\x00", False),
    ],
)
def test_names_must_be_listed_and_addresses_are_always_ours(host: str, known: bool) -> None:
    assert is_known_host(host, LISTED) is known


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("https://agent.example", "agent.example", True),
        ("https://agent.example", "agent.example:443", True),
        ("https://AGENT.example", "agent.EXAMPLE", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("http://127.0.0.1:9999", "127.0.0.1:8080", False),
        ("http://localhost:8080", "127.0.0.1:8080", False),
        ("https://agent.example.evil", "agent.example", False),
        ("null", "127.0.0.1:8080", False),
        ("", "127.0.0.1:8080", False),
        ("http://127.0.0.1:99999", "127.0.0.1:99999", False),
        ("file://", "127.0.0.1:8080", False),
    ],
)
def test_a_page_is_ours_when_name_and_port_are(origin: str, host: str, same: bool) -> None:
    assert is_same_origin(origin, host, "http") is same


def test_a_page_of_http_is_not_ours_where_the_request_came_by_https_and_the_other_way_round_it_is() -> None:
    assert is_same_origin("https://agent.example", "agent.example", "https")
    assert not is_same_origin("http://agent.example", "agent.example", "https")
    assert not is_same_origin("http://agent.example", "agent.example:80", "https")
    assert is_same_origin("https://agent.example", "agent.example", "http")  # behind a proxy that we do not know of


@pytest.mark.parametrize(
    ("headers", "foreign", "proven"),
    [
        ({}, False, False),
        ({"origin": "http://127.0.0.1:8080"}, False, True),
        ({"origin": "https://evil.example"}, True, False),
        ({"origin": "null"}, True, False),
        ({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, True, False),
        ({"sec-fetch-site": "same-origin"}, False, True),
        ({"sec-fetch-site": "none"}, False, False),
        ({"sec-fetch-site": "same-site"}, True, False),
        ({"sec-fetch-site": "cross-site"}, True, False),
    ],
)
def test_what_a_browser_says_of_its_page(headers: dict[str, str], foreign: bool, proven: bool) -> None:
    sent = Headers(headers | {"host": "127.0.0.1:8080"})
    assert (is_foreign(sent, "http"), is_proven_same_origin(sent, "http")) == (foreign, proven)


def test_a_key_is_bound_to_scheme_name_and_port() -> None:
    bound = ("https://Shop.example/", "http://localhost:3000")
    assert is_bound("https://shop.example", bound)
    assert is_bound("http://localhost:3000", bound)
    for other in ("http://shop.example", "https://shop.example:8443", "https://sub.shop.example", "null", "", None):
        assert not is_bound(other, bound)
