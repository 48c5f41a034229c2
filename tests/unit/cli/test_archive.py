import io
import json
import stat
import tarfile
from pathlib import Path

import pytest

from supportplane_cli.archive import MANIFEST, read_archive, write_archive
from supportplane_cli.errors import CommandFailed, WrongUsage


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    dump, key = tmp_path / "dump", tmp_path / "key"
    dump.write_bytes(b"rows")
    key.write_text("sk_1")
    target = tmp_path / "agent.backup"
    write_archive(target, {"database.dump": dump, "secrets/models/api-key": key}, schema="0001", postgres=18)
    return target


def rewrite(source: Path, target: Path, replace: dict[str, bytes]) -> Path:
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        members = {member.name: old.extractfile(member).read() for member in old}  # type: ignore[union-attr]
        for name, content in {**members, **replace}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))
    return target


def test_what_went_in_comes_out(backup: Path, tmp_path: Path) -> None:
    manifest = read_archive(backup, tmp_path / "out")
    assert (manifest.schema, manifest.postgres) == ("0001", 18)
    assert (tmp_path / "out/database.dump").read_bytes() == b"rows"
    assert (tmp_path / "out/secrets/models/api-key").read_text() == "sk_1"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_changed_byte_is_refused(backup: Path, tmp_path: Path) -> None:
    changed = rewrite(backup, tmp_path / "changed", {"database.dump": b"rowz"})
    with pytest.raises(CommandFailed, match=r"database\.dump has the wrong checksum"):
        read_archive(changed, tmp_path / "out")


@pytest.mark.parametrize("name", ["../evil", "secrets/../../evil", "/etc/evil", "agent.yaml", "secrets/a/b/c"])
def test_a_name_that_no_backup_has_is_refused(backup: Path, tmp_path: Path, name: str) -> None:
    with tarfile.open(backup) as archive:
        reader = archive.extractfile(MANIFEST)
        assert reader is not None
        manifest = json.loads(reader.read())
    manifest["sha256"][name] = "0" * 64
    forged = rewrite(backup, tmp_path / "forged", {MANIFEST: json.dumps(manifest).encode(), name: b"x"})
    with pytest.raises(CommandFailed, match="no backup of supportplane has"):
        read_archive(forged, tmp_path / "out")


def test_a_backup_of_a_newer_release_names_it(backup: Path, tmp_path: Path) -> None:
    facts = {"format": 9, "release": "9.0.0", "schema": None, "postgres": 30, "created_at": "", "sha256": {}}
    newer = rewrite(backup, tmp_path / "newer", {MANIFEST: json.dumps(facts).encode()})
    with pytest.raises(CommandFailed, match=r"written by supportplane 9\.0\.0"):
        read_archive(newer, tmp_path / "out")


def test_half_a_file_another_file_and_no_file_are_told_apart(backup: Path, tmp_path: Path) -> None:
    half, other = tmp_path / "half", tmp_path / "other"
    half.write_bytes(backup.read_bytes()[:700])
    other.write_text("hello")
    for path in (half, other):
        with pytest.raises(CommandFailed, match=r"not a whole backup|cannot read"):
            read_archive(path, tmp_path / "out")
    with pytest.raises(WrongUsage, match="does not exist"):
        read_archive(tmp_path / "none", tmp_path / "out")
