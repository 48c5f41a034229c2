"""What a way to identify a caller costs beside its own file: one place in the tuple."""

from typing import ClassVar

import pytest
from fastapi.requests import HTTPConnection
from prometheus_client import REGISTRY

from support.gateway.scripted_gateway import TestGateway
from supportplane_runtime.domain.identity import Caller, CallerKind
from supportplane_runtime.errors import Unauthenticated
from supportplane_runtime.gateway.identity.authentication import Authentication
from supportplane_runtime.gateway.identity.ways import Alternative, Way, alternatives_of
from supportplane_runtime.gateway.openapi import openapi_document


class ByBadge:
    """Whoever shows a badge is that caller."""

    alternatives: ClassVar[tuple[Alternative, ...]] = (
        {"badge": {"type": "apiKey", "in": "header", "name": "X-Badge"}, "pin": {"type": "apiKey"}},
    )
    how: ClassVar[str] = "Show a badge as 'X-Badge: ...'."
    reasons: ClassVar[tuple[str, ...]] = ("badge",)

    async def caller(self, connection: HTTPConnection) -> Caller | None:
        return named(connection, "x-badge")


class ByName:
    alternatives: ClassVar[tuple[Alternative, ...]] = ({"name": {"type": "apiKey", "in": "header", "name": "X-Name"}},)
    how: ClassVar[str] = ""
    reasons: ClassVar[tuple[str, ...]] = ()

    async def caller(self, connection: HTTPConnection) -> Caller | None:
        return named(connection, "x-name")


def named(connection: HTTPConnection, header: str) -> Caller | None:
    name = connection.headers.get(header)
    return Caller("acme", name, CallerKind.KEY, frozenset()) if name else None


def request(**headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": raw})


WAYS: tuple[Way, ...] = (ByBadge(), ByName())


async def test_the_first_way_that_finds_credentials_decides() -> None:
    authentication = Authentication(WAYS)
    assert (await authentication.caller(request(x_name="n"))).key_id == "n"
    assert (await authentication.caller(request(x_name="n", x_badge="b"))).key_id == "b"


async def test_who_sends_no_credentials_is_told_how_to_send_them() -> None:
    with pytest.raises(Unauthenticated, match=r"^This needs authentication\. Show a badge as 'X-Badge: \.\.\.'\.$"):
        await Authentication(WAYS).caller(request())


def test_the_refusals_of_a_way_are_counted_from_zero() -> None:
    Authentication(WAYS)
    assert REGISTRY.get_sample_value("supportplane_auth_failures_total", {"reason": "badge"}) == 0


def test_ways_are_documented_with_fewest_credentials_first() -> None:
    assert [list(each) for each in alternatives_of(WAYS)] == [["name"], ["badge", "pin"]]


def test_the_document_names_the_ways_of_this_gateway(gateway: TestGateway) -> None:
    document = openapi_document(gateway.app, WAYS)
    assert list(document["components"]["securitySchemes"]) == ["name", "badge", "pin"]
    security = document["paths"]["/api/v1/query"]["post"]["security"]
    assert security == [{"name": []}, {"badge": [], "pin": []}]
    assert document["paths"]["/api/v1/sessions/current"]["delete"]["security"] == [{"session": []}]


async def test_every_way_of_the_gateway_counts_by_its_own_reasons(gateway: TestGateway) -> None:
    reasons = [reason for way in gateway.app.state.gateway.authentication.ways for reason in way.reasons]
    assert sorted(reasons) == sorted(set(reasons))
    for reason in reasons:
        assert REGISTRY.get_sample_value("supportplane_auth_failures_total", {"reason": reason}) is not None
