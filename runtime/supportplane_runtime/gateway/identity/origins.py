"""Where a browser's request comes from: pure decisions on the Host, Origin and Sec-Fetch-Site headers.

DNS rebinding needs a host *name* the attacker owns, so names must be listed while address literals are always ours.
A page that came by http never speaks for a request that came by https: whoever sits on the line wrote that page. The
other way round is fine, because TLS may end at a proxy that nobody told us of (ADR 0025). Called by http/security.py,
authentication.py and sessions/.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from supportplane_runtime.gateway.connections.peers import Scheme

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def is_known_host(host: str, allowed: Collection[str]) -> bool:
    """host: the Host header, port included. An address literal is known, a name only when it is listed."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["name"].lower()
    return name in allowed or _is_address(name)


def _authority(url: str) -> tuple[str, int | None] | None:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)) if parts.hostname else None
    except ValueError:
        return None


def is_same_origin(origin: str, host: str, scheme: Scheme) -> bool:
    """Whether the page that sent ``origin`` was served by ``host`` (name and port; a missing port is the scheme's).

    scheme: how the request came, as far as is known.
    """
    of_page = origin.partition("://")[0].lower()
    if scheme == "https" and of_page != "https":
        return False
    ours = _authority(f"{of_page}://{host}")
    return ours is not None and _authority(origin) == ours


def is_foreign(headers: Headers, scheme: Scheme) -> bool:
    """Whether a browser says that another site's page sent this. Without such headers: no."""
    origin = headers.get("origin")
    if origin is not None:
        return not is_same_origin(origin, headers.get("host", ""), scheme)
    return headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}


def is_proven_same_origin(headers: Headers, scheme: Scheme) -> bool:
    """Whether a browser vouches that our own page sent this: what a cookie needs before it may change anything."""
    origin = headers.get("origin")
    if origin is not None:
        return is_same_origin(origin, headers.get("host", ""), scheme)
    return headers.get("sec-fetch-site") == "same-origin"


def is_bound(origin: str | None, origins: Collection[str]) -> bool:
    """Whether a publishable key with these origins may be used by a page of ``origin`` (scheme, name and port)."""
    return origin is not None and origin.lower() in {bound.lower().rstrip("/") for bound in origins}
