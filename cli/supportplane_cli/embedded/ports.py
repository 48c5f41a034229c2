"""Ports of this machine: a free one, who has one that is not free, and what an HTTP server on one answers."""

import contextlib
import socket
import sys
from http.client import HTTPConnection, HTTPException


def free_port(host: str = "127.0.0.1") -> int:
    """A port nothing listens on. On Linux nobody else is given it while this process lives; elsewhere that is luck."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        if sys.platform == "linux":
            hold(probe)
        return port


def hold(bound: socket.socket) -> None:
    """Keep a port for whoever names it, until this process ends: a database is made before its server binds its port.

    Linux lets servers, which all set one of these options, listen beside a socket that has them and does not listen.
    """
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        bound.setsockopt(socket.SOL_SOCKET, option, 1)
    bound.detach()  # nobody closes it


def http_status(port: int, path: str, *, timeout_s: float = 2.0) -> int | None:
    """The status a loopback HTTP server answers with, None when it does not answer."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=timeout_s)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None


def is_bindable(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str | None:
    """Who listens on a TCP port, as "name (pid 123)"; None when this user may not know."""
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows other users' sockets to root only
        return None
    for entry in connections:
        if entry.status == psutil.CONN_LISTEN and entry.laddr and entry.laddr.port == port and entry.pid:
            try:
                return f"{psutil.Process(entry.pid).name()} (pid {entry.pid})"
            except psutil.Error:
                return f"a process with pid {entry.pid}"
    return None
