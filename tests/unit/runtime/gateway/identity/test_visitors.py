import base64
import json
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from support.gateway.schema_values import ANYTHING
from support.gateway.signed_values import SEGMENTS, STRANGE, signed_with, tokens
from supportplane_runtime.gateway.identity.visitors import Visitors

SECRET = b"s" * 32


def test_a_token_names_its_visitor_to_its_tenant_and_key_only() -> None:
    visitors = Visitors(SECRET)
    issued = visitors.issue("acme", "k1")
    assert visitors.read(issued.token, tenant="acme", key_id="k1") == issued.user_id
    assert visitors.read(issued.token, tenant="rival", key_id="k1") is None
    assert visitors.read(issued.token, tenant="acme", key_id="k2") is None


def test_every_visitor_is_someone_else() -> None:
    visitors = Visitors(SECRET)
    assert len({visitors.issue("acme", "k1").user_id for _ in range(100)}) == 100


def test_tokens_outlive_the_process_and_not_the_secret() -> None:
    token = Visitors(SECRET).issue("acme", "k1").token
    assert Visitors(SECRET).read(token, tenant="acme", key_id="k1") is not None
    assert Visitors(b"t" * 32).read(token, tenant="acme", key_id="k1") is None


def forged(header: dict[str, str], claims: dict[str, object]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, ""])


def test_made_up_changed_and_expired_tokens_are_no_one() -> None:
    visitors = Visitors(SECRET)
    claims = {"iss": "acme", "aud": "k1", "sub": "widget-x", "exp": int(time()) + 60}
    expired = jwt.encode({"alg": "HS256"}, claims | {"exp": int(time()) - 1}, OctKey.import_key(SECRET))
    endless = jwt.encode(
        {"alg": "HS256"}, {key: value for key, value in claims.items() if key != "exp"}, OctKey.import_key(SECRET)
    )
    token = visitors.issue("acme", "k1").token
    head, body, signature = token.split(".")
    for wrong in (
        "",
        "x",
        "a.b.c",
        expired,
        endless,
        forged({"alg": "none"}, claims),
        f"{head}.{body}.",
        f"{head}.{body[:-2]}xx.{signature}",
        token[:-3],
        "é.é.é",
        "\ud800",
        "." * 10_000,
    ):
        assert visitors.read(wrong, tenant="acme", key_id="k1") is None, wrong[:40]


@pytest.mark.parametrize("crit", STRANGE)
def test_a_token_with_a_strange_header_is_no_one(crit: object) -> None:
    token = signed_with(SECRET, {"alg": "HS256", "typ": "JWT", "crit": crit}, {})
    assert Visitors(SECRET).read(token, tenant="acme", key_id="k1") is None


@given(token=tokens() | SEGMENTS.map(".".join))
def test_whatever_is_sent_as_a_token_is_no_one(token: str) -> None:
    assert Visitors(SECRET).read(token, tenant="acme", key_id="k1") is None


@given(claims=st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "x"]), ANYTHING) | ANYTHING)
def test_whatever_our_own_secret_has_signed_is_read_without_a_crash(claims: object) -> None:
    token = signed_with(SECRET, {"alg": "HS256", "typ": "JWT"}, claims)
    assert Visitors(SECRET).read(token, tenant="acme", key_id="k1") is None


def test_a_short_secret_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="needs 32"):
        Visitors(b"short")
