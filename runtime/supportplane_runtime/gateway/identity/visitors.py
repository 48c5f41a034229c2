"""The identity of a visitor of someone else's site: a random user id in a token that only we can sign.

A publishable key is readable by everyone, so it can't tell one visitor from another; the token can, and without a row
per visitor. It is bound to tenant and key. Called by authentication.py and api/sessions/endpoints.py.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import time

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from supportplane_runtime.gateway.identity.token_headers import is_plain

# A visitor who comes back within a month finds the conversation again; a guess, as no one has asked for another number.
VISITOR_TTL = timedelta(days=30)
MIN_SECRET_BYTES = 32  # HS256: RFC 7518 asks for a key as long as the hash
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class VisitorToken:
    token: str
    user_id: str
    expires_at: datetime


class Visitors:
    """Signs and reads visitor tokens. secret: at least 32 random bytes, the same in every process of one agent."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"The visitor secret has {len(secret)} bytes; it needs {MIN_SECRET_BYTES}.")
        self._key = OctKey.import_key(secret)

    def issue(self, tenant: str, key_id: str) -> VisitorToken:
        user_id = f"widget-{secrets.token_hex(16)}"
        expires_at = int(time() + VISITOR_TTL.total_seconds())
        claims = {"iss": tenant, "aud": key_id, "sub": user_id, "exp": expires_at}
        token = jwt.encode({"alg": _ALGORITHM}, claims, self._key)
        return VisitorToken(token, user_id, datetime.fromtimestamp(expires_at, tz=UTC))

    def read(self, token: str, *, tenant: str, key_id: str) -> str | None:
        """The user id, or None when the token is not ours, expired, or for another tenant or key."""
        expected = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": tenant},
            aud={"essential": True, "value": key_id},
            sub={"essential": True},
            exp={"essential": True},
        )
        if not is_plain(token):
            return None
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
            expected.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError):
            return None
        user_id = claims["sub"]
        return user_id if isinstance(user_id, str) else None
