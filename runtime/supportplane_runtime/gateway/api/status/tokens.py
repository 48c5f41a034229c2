"""Who may ask for the status: the operator, by a short token signed with its Ed25519 key (RFC 8037).

A token names the agent it is for, so one made for another agent is worth nothing here. Called by endpoints.py; the keys
are read once at start by app.
"""

import warnings
from pathlib import Path
from time import time
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet

from supportplane_crds.names import STATUS_ISSUER
from supportplane_runtime.errors import InvalidRequest, Unauthenticated
from supportplane_runtime.gateway.identity.token_headers import is_plain

MAX_LIFE_S = 300
SKEW_S = 30  # between the operator's clock and ours
_ALGORITHMS = ["EdDSA", "Ed25519"]  # RFC 9864 gives the second name to what the first meant, with Ed25519 keys
_REFUSAL = "This needs a token of the operator of this agent."


def read_operator_keys(path: Path | None) -> KeySet | None:
    """Raises InvalidRequest for a file that holds no JWK set."""
    if path is None:
        return None
    try:
        return KeySet.import_key_set(orjson.loads(path.read_bytes()))
    except (OSError, ValueError, JoseError, KeyError, TypeError) as error:
        raise InvalidRequest(
            f"SUPPORTPLANE_OPERATOR_JWKS_FILE: {path} holds no JWK set ({type(error).__name__})."
        ) from error


def check_token(token: str, keys: KeySet, *, audience: str) -> None:
    """Raises Unauthenticated, always with the same words."""
    if not is_plain(token):
        raise Unauthenticated(_REFUSAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # that the first name is the old one
            claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
        _registry(audience).validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Unauthenticated(_REFUSAL) from error
    if not _is_short(claims):
        raise Unauthenticated(_REFUSAL)


def _registry(audience: str) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": STATUS_ISSUER},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        leeway=SKEW_S,
    )


def _is_short(claims: dict[str, Any]) -> bool:
    expires = claims["exp"]
    return isinstance(expires, int | float) and expires <= time() + MAX_LIFE_S + SKEW_S
