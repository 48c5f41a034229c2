"""Turns the Dockerfiles into image archives that a node imports: ``python -m e2e.images`` prints the list's path.

The base image is a minimal Debian by debootstrap, made once; Buildah keeps what later builds can use again. Everything
lives in the user's cache folder. How PyPI is reached (certificates, index, proxy) is this machine's business: it is
mounted while an image is built and is no part of it.
"""

import configparser
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from support.repository import REPOSITORY

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
SLEEP = '["/usr/bin/sleep", "infinity"]'
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DOCKERFILES = {"supportplane-runtime": "runtime/Dockerfile", "supportplane-operator": "operator/Dockerfile"}
# State of a running system, which a restart of the machine must not keep.
RUN_FOLDER = Path("/run/supportplane-e2e")
PAUSE = "localhost/pause:1"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PIP_FILES = (Path("/etc/pip.conf"), Path("~/.pip/pip.conf"), Path("~/.config/pip/pip.conf"))
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "default-timeout")


NOT_HERE = 3  # exit code: the machine cannot make images, so the tests skip


class NotHere(Exception):
    """This machine cannot make a base image; the message says why. A Dockerfile that is wrong is no such case."""


class BuildahFailed(Exception):
    """Its own complaint."""


@dataclass(frozen=True, slots=True)
class Image:
    """reference: what a pod names. archive: a file that containerd imports."""

    reference: str
    archive: str


def read_images(listing: Path) -> dict[str, Image]:
    return {name: Image(**values) for name, values in json.loads(listing.read_text()).items()}


def cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "supportplane" / "e2e"


def build_images(cache: Path) -> Path:
    """Every image at the state of the sources; the path of their list. What did not change costs a second."""
    store = Store(cache)
    base = _base_image(store)
    images = {"pause": store.archive("pause", PAUSE)}
    with _client_settings() as mounts:
        for name, dockerfile in DOCKERFILES.items():
            if (REPOSITORY / dockerfile).exists():
                reference = f"localhost/{name}:e2e"
                say(f"building {name}")
                store.build(reference, REPOSITORY / dockerfile, base=base, mounts=mounts)
                images[name] = store.archive(name, reference)
    store.prune()
    listing = cache / "images.json"
    listing.write_text(json.dumps({name: asdict(image) for name, image in images.items()}, indent=2))
    return listing


class Store:
    """Buildah with a storage of its own, so that nobody's images are touched."""

    def __init__(self, cache: Path) -> None:
        self.archives = cache / "archives"
        self.archives.mkdir(parents=True, exist_ok=True)
        self._options = (f"--root={cache}/storage", f"--runroot={RUN_FOLDER}", "--storage-driver=overlay")

    def has(self, reference: str) -> bool:
        return self._run("inspect", "--type=image", reference, check=False).returncode == 0

    def image_id(self, reference: str) -> str:
        return self._run("inspect", "--type=image", "--format={{.FromImageID}}", reference).stdout.strip()

    def pack(self, reference: str, folder: Path) -> None:
        """A folder becomes an image whose command sleeps: it is the pause container too."""
        container = self._run("from", "scratch").stdout.strip()
        with tempfile.NamedTemporaryFile(dir=self.archives, suffix=".tar") as layer:
            subprocess.run(["tar", "-C", str(folder), "-cf", layer.name, "."], check=True)
            self._run("add", "--quiet", container, layer.name, "/")
        self._run("config", f"--cmd={SLEEP}", f"--env=PATH={SEARCH_PATH}", container)
        self._run("run", "--isolation=chroot", container, "--", "/usr/bin/true")  # what a build has to be able to do
        self._run("commit", "--quiet", "--rm", container, reference)

    def tag(self, reference: str, name: str) -> None:
        self._run("tag", reference, name)

    def build(self, reference: str, dockerfile: Path, *, base: str, mounts: tuple[str, ...]) -> None:
        """The first stage bears a name of its own, so that its layers, the dependencies, outlive ``prune``."""
        options = ("--layers", "--isolation=chroot", f"--build-arg=BASE_IMAGE={base}", f"--file={dockerfile}")
        volumes = tuple(f"--volume={mount}" for mount in mounts)
        for target in ("--target=build", f"--tag={reference}-build"), (f"--tag={reference}",):
            command = ["buildah", *self._options, "bud", *options, *volumes, *target, str(REPOSITORY)]
            built = subprocess.run(command, stdout=sys.stderr, check=False)
            if built.returncode:
                raise SystemExit(f"{dockerfile} does not build, see above")

    def archive(self, name: str, reference: str) -> Image:
        """The image as a file, written anew when it changed."""
        target = self.archives / f"{name}-{self.image_id(reference)[:16]}.tar"
        if not target.exists():
            partial = target.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            self._run("push", "--quiet", reference, f"docker-archive:{partial}:{reference}")
            partial.rename(target)
        for other in self.archives.glob(f"{name}-*.tar"):
            if other != target:
                other.unlink()
        return Image(reference, str(target))

    def prune(self) -> None:
        """Forget layers that no image leads to any more; otherwise each change of the sources stays for ever."""
        self._run("rmi", "--prune", check=False)

    def _run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(["buildah", *self._options, *arguments], capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise BuildahFailed(f"buildah {arguments[0]}: {done.stderr.strip()[-300:]}")
        return done


def _base_image(store: Store) -> str:
    """Debian as a base image, under a name that says what is in it."""
    key = hashlib.sha256(" ".join((SUITE, *PACKAGES, SLEEP, SEARCH_PATH)).encode()).hexdigest()[:12]
    reference = f"localhost/supportplane-base:{key}"
    if not store.has(reference):
        say(f"making the base image from Debian {SUITE}, once (100 MB, a minute)")
        with tempfile.TemporaryDirectory(dir=store.archives) as folder:
            _debootstrap(Path(folder))
            try:
                store.pack(reference, Path(folder))
            except BuildahFailed as reason:  # the first thing that it does: a machine that keeps it from us
                raise NotHere(str(reason)) from reason
    store.tag(reference, PAUSE)
    return reference


def _debootstrap(folder: Path) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"debootstrap: {done.stdout.strip()[-300:]}")
    folder.chmod(0o755)
    shutil.rmtree(folder / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(folder / "var/lib/apt/lists", ignore_errors=True)


@contextmanager
def _client_settings() -> Iterator[tuple[str, ...]]:
    """Mounts that let pip inside a build reach what it reaches outside."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "pip.conf"
        with settings.open("w") as file:
            _pip_settings().write(file)
        yield f"{_certificates()}:{CERTIFICATES}:ro", f"{settings}:/etc/pip.conf:ro"


def _pip_settings() -> configparser.ConfigParser:
    """Files first, then variables, as pip reads them; paths are left out, they mean nothing inside."""
    found = configparser.ConfigParser(interpolation=None)
    found.read([path.expanduser() for path in PIP_FILES])
    kept = configparser.ConfigParser(interpolation=None)
    kept["global"] = {"cert": CERTIFICATES}
    for name in PIP_SETTINGS:
        value = os.environ.get(f"PIP_{name.upper().replace('-', '_')}") or found.get("global", name, fallback=None)
        if value:
            kept["global"][name] = value
    return kept


def _certificates() -> str:
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if Path(os.environ.get(name, "")).is_file():
            return os.environ[name]
    return CERTIFICATES


@contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(message: str) -> None:
    print(f"[e2e] {message}", file=sys.stderr, flush=True)  # noqa: T201 -- progress of a command


if __name__ == "__main__":
    began = time.monotonic()
    try:
        with _one_at_a_time(cache_folder()):
            path = build_images(cache_folder())
    except NotHere as reason:
        print(reason)  # noqa: T201 -- the command's answer
        raise SystemExit(NOT_HERE) from reason
    say(f"images ready in {time.monotonic() - began:.0f} s")
    print(path)  # noqa: T201 -- the command's answer
