"""What `doctor` looks at: each check returns a verdict with a sentence and, when it is not well, what to do.

Checks only read. One that cannot apply (nothing runs) is left out rather than counted as good.
"""

import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from supportplane_cli.embedded import model_server, postgres, redis
from supportplane_cli.embedded.ports import holder, is_bindable
from supportplane_cli.errors import CommandFailed
from supportplane_cli.layout import check_layout
from supportplane_cli.lock import holder_pid
from supportplane_cli.paths import DataDir
from supportplane_cli.state import State, last_state
from supportplane_cli.supervisor.preflight import NEEDED_BYTES, existing

NAMED_FILES = 3  # of those that a reading left out, in one line
# What the gateway reports on -> the log of the embedded part; a server of one's own has none, and the gateway's tells.
LOG_OF = {"database": "postgres", "schema": "migrate", "cache": "redis", "model": "model", "knowledge": "knowledge"}
PYTHONS = ((3, 11), (3, 13))


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """hint: what to do about it; None when all is well."""

    check: str
    level: Level
    detail: str
    hint: str | None = None


def ok(check: str, detail: str) -> Verdict:
    return Verdict(check, Level.OK, detail)


def examine(data: DataDir, port: int) -> Iterator[Verdict]:
    """Every check that applies, the cheap ones first."""
    yield check_python()
    yield from check_wheels()
    yield check_disk(data)
    if data.root.exists():
        yield check_owner(data)
        yield check_release(data)
        yield from check_private_files(data)
        yield from check_cluster(data)
    state = last_state(data.state)
    if state is not None and holder_pid(data) == state.pid:
        yield from check_running(state)
    else:
        yield check_port(port)


def check_python() -> Verdict:
    version = sys.version_info
    detail = f"{version.major}.{version.minor}.{version.micro} at {sys.executable}"
    if PYTHONS[0] <= version[:2] <= PYTHONS[1]:
        return ok("python", detail)
    return Verdict("python", Level.FAILED, detail, "install Python 3.11, 3.12 or 3.13 and run `make clean up`")


def check_wheels() -> Iterator[Verdict]:
    programs: dict[str, Callable[[], Path]] = {
        "postgresql": lambda: postgres.binary("postgres"),
        "redis": redis.wheel_binary,
        "model weights": model_server.embedded_weights,
    }
    for name, find in programs.items():
        try:
            path = find()
        except CommandFailed as failure:
            yield Verdict(name, Level.WARNING, failure.message, failure.hint)
        else:
            yield (
                ok(name, str(path))
                if path.exists()
                else Verdict(name, Level.FAILED, f"{path} is gone", "make clean up")
            )


def check_disk(data: DataDir) -> Verdict:
    free = shutil.disk_usage(existing(data.root)).free
    detail = f"{free >> 20} MB free for {data.root}"
    if free >= NEEDED_BYTES:
        return ok("disk", detail)
    return Verdict("disk", Level.FAILED, detail, f"free at least {NEEDED_BYTES >> 20} MB, or use another --data-dir")


def check_owner(data: DataDir) -> Verdict:
    facts = data.root.stat()
    mode = stat.S_IMODE(facts.st_mode)
    detail = f"{data.root} belongs to uid {facts.st_uid}, mode {mode:o}"
    if mode & 0o077 == 0 or mode & 0o066 == 0:
        return ok("data directory", detail)
    return Verdict("data directory", Level.WARNING, detail, f"others can read it: chmod 700 {data.root}")


def check_release(data: DataDir) -> Verdict:
    try:
        check_layout(data)
    except CommandFailed as failure:
        return Verdict("release", Level.FAILED, failure.message, failure.hint)
    return ok("release", "the data directory fits this release")


def check_private_files(data: DataDir) -> Iterator[Verdict]:
    files = [data.api_key, *data.passwords.glob("*"), *data.secrets.glob("*/*")]
    for path in files:
        if path.is_file() and path.stat().st_mode & 0o077:
            yield Verdict("secrets", Level.FAILED, f"others can read {path}", f"chmod 600 {path}")


def check_cluster(data: DataDir) -> Iterator[Verdict]:
    cluster = data.postgres / "data"
    if not cluster.exists():
        return
    try:
        postgres.check_cluster(cluster)
    except PermissionError:
        yield Verdict("database folder", Level.FAILED, f"{cluster} cannot be read", "run as the user who made it")
    except CommandFailed as failure:
        yield Verdict("database folder", Level.FAILED, failure.message, failure.hint)
    else:
        yield ok("database folder", str(cluster))


def check_port(port: int) -> Verdict:
    if is_bindable("127.0.0.1", port):
        return ok("port", f"{port} is free")
    who = holder(port) or "another program"
    return Verdict(
        "port", Level.FAILED, f"{port} is taken by {who}", f"stop it, or `supportplane up --port {port + 1}`"
    )


def check_running(state: State) -> Iterator[Verdict]:
    """The agent that runs here: its processes, what it says of its parts, the speed of its embedded model."""
    from supportplane_cli.commands.status import read_health
    from supportplane_cli.supervisor.leftovers import same_process

    for part in state.parts:
        if same_process(part) is None:
            yield Verdict(part.name, Level.FAILED, f"pid {part.pid} has ended", f"supportplane logs {part.name}")
    health = read_health(state)
    if health is None:
        yield Verdict("gateway", Level.FAILED, f"{state.url} does not answer", "supportplane logs gateway")
        return
    for probe in health.get("parts", ()):
        level = Level.OK if probe["status"] == "ok" else Level.FAILED if probe["required"] else Level.WARNING
        hint = None if level is Level.OK else f"supportplane logs {log_of(probe['name'], state)}"
        yield Verdict(f"part {probe['name']}", level, str(probe["detail"]), hint)
    yield from check_readings(state)
    yield from check_model_speed(state)


def log_of(reported: str, state: State) -> str:
    """A name that `supportplane logs` knows on this agent."""
    log = LOG_OF.get(reported, "gateway")
    return log if log in {"knowledge", "migrate", *(part.name for part in state.parts)} else "gateway"


def check_readings(state: State) -> Iterator[Verdict]:
    """What the last readings left out; an empty list is no verdict, part knowledge says how many there are."""
    from supportplane_cli.readings import last_readings

    for reading in last_readings(state):
        check = f"documents of {reading.knowledge_base}"
        if reading.failure is not None:
            yield Verdict(check, Level.WARNING, reading.failure, "mend that and run `supportplane ingest`")
        if reading.skipped:
            named = "; ".join(f"{name} {reason}" for name, reason in reading.named[:NAMED_FILES])
            detail = f"{reading.skipped} left out: {named}"
            yield Verdict(check, Level.WARNING, detail, "`supportplane status` names more of them")


def check_model_speed(state: State) -> Iterator[Verdict]:
    """Measured on the embedded model server; a server that the user named by URL is not measured."""
    part = next((part for part in state.parts if part.name == model_server.ModelServer.name), None)
    key = state.environment.get("SUPPORTPLANE_MODEL_API_KEY")
    if part is None or key is None:
        return
    port = int(part.address.rpartition(":")[2])
    try:
        speed = model_server.tokens_per_second(port, key)
    except (OSError, KeyError, ValueError) as error:
        yield Verdict("model speed", Level.WARNING, f"not measured: {error}", "supportplane logs model")
    else:
        yield ok("model speed", f"{speed:.0f} tokens/s")
