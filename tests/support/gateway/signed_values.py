"""Hypothesis strategies of signed tokens (RFC 7515): nearly right ones, strange headers, and what is no token."""

import base64
import hashlib
import hmac
import json
from typing import Any

from hypothesis import strategies as st

from support.gateway.schema_values import ANYTHING

HONEST = st.sampled_from([{"alg": "HS256", "typ": "JWT"}, {"alg": "EdDSA", "kid": "k1"}])
NAMES = st.sampled_from(["crit", "alg", "typ", "kid", "b64", "x5c"])  # what libraries look at before the signature
SOME: list[Any] = ["HS256", "EdDSA", "Ed25519", "none", "JWT", "k1", True, None, 1, [], {}, [[]], ["b64"]]
VALUES = st.sampled_from(SOME)
CHANGES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=2) | st.dictionaries(st.text(), ANYTHING, max_size=3)
SEGMENTS = st.lists(st.text(max_size=20) | st.sampled_from(["", "e30", "AAAA", "W10", "[" * 600]), max_size=5)


STRANGE: list[Any] = [1, None, True, [1], [[]], [{}], {}, "b64", ["b64"]]  # of which some were a crash as `crit`


def segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@st.composite
def tokens(draw: st.DrawFn) -> str:
    """Three segments; the header begins as an honest one and is changed, or is anything."""
    nearly = draw(st.integers(0, 9)) > 0
    header = draw(HONEST) | draw(CHANGES) if nearly else draw(ANYTHING)
    body = draw(st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp"]), ANYTHING, max_size=4) | ANYTHING)
    return f"{segment(header)}.{segment(body)}.{draw(st.sampled_from(['', 'AAAA', 'A', '!']))}"


def signed_with(secret: bytes, header: Any, body: Any) -> str:
    text = f"{segment(header)}.{segment(body)}"
    signature = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
