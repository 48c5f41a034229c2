"""A backup as one tar file: a manifest with checksums, the database as pg_dump wrote it, the API key, the secrets.

Written whole or not at all, mode 0600. Reading checks every checksum before anything is used, and takes only the
names that a backup has, so a file that another program made cannot write elsewhere.
"""

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from supportplane_cli import __version__
from supportplane_cli.errors import CommandFailed, WrongUsage

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database.dump"
API_KEY = "api-key"
VISITORS = "visitor-secret"
SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class Manifest:
    """schema: the migration the database is at. sha256: by member name."""

    format: int
    release: str
    schema: str | None
    postgres: int
    created_at: str
    sha256: Mapping[str, str] = field(default_factory=dict)


def write_archive(target: Path, files: Mapping[str, Path], *, schema: str | None, postgres: int) -> Manifest:
    """files: path on disk by member name."""
    manifest = Manifest(
        format=FORMAT,
        release=__version__,
        schema=schema,
        postgres=postgres,
        created_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        sha256={name: digest(path) for name, path in files.items()},
    )
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w") as archive:
                add_text(archive, MANIFEST, json.dumps(asdict(manifest), indent=1))
                for name, path in files.items():
                    archive.add(path, arcname=name, recursive=False)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(text.encode()), 0o600
    archive.addfile(member, io.BytesIO(text.encode()))


def read_archive(source: Path, folder: Path) -> Manifest:
    """Unpack into ``folder`` what the manifest lists. Raises CommandFailed for anything that is no whole backup."""
    try:
        with tarfile.open(source, mode="r:") as archive:
            manifest = parse_manifest(source, archive)
            for name, expected in manifest.sha256.items():
                unpack(source, archive, name, folder)
                if digest(folder / name) != expected:
                    raise CommandFailed(f"{source} is damaged: {name} has the wrong checksum.")
    except FileNotFoundError as error:
        raise WrongUsage(f"{source} does not exist.") from error
    except (tarfile.TarError, KeyError) as error:
        raise CommandFailed(f"{source} is not a whole backup: {error}.") from error
    return manifest


def parse_manifest(source: Path, archive: tarfile.TarFile) -> Manifest:
    reader = archive.extractfile(MANIFEST)
    if reader is None:
        raise CommandFailed(f"{source} is not a backup of supportplane.")
    try:
        manifest = Manifest(**json.loads(reader.read()))
    except (ValueError, TypeError) as error:
        raise CommandFailed(f"{source} has a manifest that this release cannot read.") from error
    if manifest.format > FORMAT:
        raise CommandFailed(
            f"{source} was written by supportplane {manifest.release}; this is {__version__}.",
            hint=f"restore it with supportplane {manifest.release} or newer",
        )
    return manifest


def unpack(source: Path, archive: tarfile.TarFile, name: str, folder: Path) -> None:
    """One member that a backup may have: the dump, the key, the visitors' secret, secrets/<name>/<key>."""
    parts = Path(name).parts
    is_secret = len(parts) == 3 and parts[0] == SECRETS and ".." not in parts
    reader = archive.extractfile(name) if is_secret or name in (DATABASE, API_KEY, VISITORS) else None
    if reader is None:
        raise CommandFailed(f"{source} holds {name}, which no backup of supportplane has.")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with target.open("wb") as out:
        while block := reader.read(1 << 20):
            out.write(block)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
