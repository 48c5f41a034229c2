"""Who is at the other end of a connection: pure decisions on its address and the X-Forwarded-* headers of a proxy.

A header is the client's own word unless a proxy that the agent file trusts (``spec.gateway.trustedProxies``) sent it.
Called by http/observation.py for every request and by server.py for every connection. Headers named Forwarded are not
read: many proxies pass on the one that the client made up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from starlette.types import Scope

UNKNOWN = "unknown"  # the address of a connection that has none, such as a Unix socket
_SITE_PREFIX = 64  # bits of an IPv6 address that name a site: a single visitor has all the others for itself

Scheme = Literal["http", "https"]


@dataclass(frozen=True, slots=True)
class Peer:
    """The client of a request.

    address: the client's IP address, or ``unknown``. scheme: how the client reached the outermost trusted proxy, or
    this process. is_proxied: the connection belongs to a trusted proxy, which carries many clients.
    """

    address: str
    scheme: Scheme = "http"
    is_proxied: bool = False

    @property
    def source(self) -> str:
        """What limits count by: the IPv4 address, or the /64 network of an IPv6 address."""
        found = _parsed(self.address)
        if isinstance(found, IPv6Address):
            return str(IPv6Network((found, _SITE_PREFIX), strict=False))
        return self.address


class TrustedProxies:
    """networks: CIDRs of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = tuple(ip_network(each, strict=False) for each in networks)

    def trusts(self, host: str) -> bool:
        """host: an IP address; anything else is not trusted."""
        found = _parsed(host)
        return found is not None and any(found in network for network in self._networks)

    def peer(self, scope: Scope) -> Peer:
        """scope: of an HTTP request or a WebSocket."""
        host = scope["client"][0] if scope.get("client") else UNKNOWN
        found = _parsed(host)
        host = str(found) if found is not None else UNKNOWN
        if not self.trusts(host):
            return Peer(host, _direct_scheme(scope))
        return Peer(self._client(host, _values(scope, b"x-forwarded-for")), _told_scheme(scope), is_proxied=True)

    def _client(self, host: str, hops: list[str]) -> str:
        """The nearest hop that is no trusted proxy. What stands before that hop is the client's own word."""
        nearest = host
        for hop in reversed(hops):
            found = _parsed(_without_port(hop))
            if found is None:
                return nearest
            nearest = str(found)
            if not self.trusts(nearest):
                return nearest
        return nearest


def _direct_scheme(scope: Scope) -> Scheme:
    return "https" if scope.get("scheme") in {"https", "wss"} else "http"


def _told_scheme(scope: Scope) -> Scheme:
    """The last value is the nearest proxy's word. Without the header the connection itself tells."""
    told = [value.lower() for value in _values(scope, b"x-forwarded-proto")]
    if not told:
        return _direct_scheme(scope)
    return "https" if told[-1] in {"https", "wss"} else "http"


def _values(scope: Scope, name: bytes) -> list[str]:
    """The comma-separated values of all headers of this name, in order."""
    lines = (value.decode("latin-1") for header, value in scope["headers"] if header == name)
    return [each.strip() for line in lines for each in line.split(",") if each.strip()]


def _without_port(hop: str) -> str:
    """``192.0.2.1:4711`` and ``[2001:db8::1]:4711``, as some proxies write it, without the port."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=1024)
def _parsed(host: str) -> IPv4Address | IPv6Address | None:
    """The address, an IPv4 one also where a dual-stack socket writes it as IPv6."""
    try:
        found = ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
