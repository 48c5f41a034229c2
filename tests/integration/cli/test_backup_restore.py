"""Backups through the command line itself, on data directories whose database is real and stopped."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from supportplane_cli.dumping import embedded_database
from supportplane_cli.layout import save_layout
from supportplane_cli.lock import DataLock
from supportplane_cli.paths import DataDir
from supportplane_cli.private_files import write_private
from supportplane_runtime.store.migrate import upgrade

pytestmark = pytest.mark.slow


def supportplane(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "supportplane_cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120)


def tenants(data: DataDir) -> list[str]:
    with embedded_database(data) as postgres, psycopg.connect(postgres.url()) as connection:
        return [row[0] for row in connection.execute("SELECT tenant FROM tenants ORDER BY 1")]


def fill(data: DataDir, tenant: str) -> DataDir:
    """A data directory as `up` leaves it, with one tenant in its database."""
    save_layout(data)
    write_private(data.api_key, "sk_first\n")
    write_private(data.visitor_secret, "signs")
    write_private(data.secrets / "models" / "api-key", "secret\n")
    with embedded_database(data) as postgres:
        upgrade(postgres.url())
        with psycopg.connect(postgres.url()) as connection:
            connection.execute("INSERT INTO tenants (tenant) VALUES (%s)", (tenant,))
    return data


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    return fill(DataDir(tmp_path_factory.mktemp("filled") / "data"), "shop")


@pytest.fixture(scope="module")
def backup(filled: DataDir) -> Path:
    path = filled.root.parent / "agent.backup"
    done = supportplane("backup", path, "--data-dir", filled.root)
    assert done.returncode == 0, done.stderr
    return path


def test_a_backup_restored_elsewhere_holds_the_same_rows_key_and_secrets(backup: Path, tmp_path: Path) -> None:
    target = DataDir(tmp_path / "new")
    done = supportplane("restore", backup, "--data-dir", target.root)
    assert done.returncode == 0, done.stderr
    assert tenants(target) == ["shop"]
    assert target.api_key.read_text() == "sk_first\n"
    assert target.visitor_secret.read_text() == "signs"
    assert (target.secrets / "models" / "api-key").stat().st_mode & 0o777 == 0o600


def test_a_restore_does_not_replace_data_unless_told_to(backup: Path, tmp_path: Path) -> None:
    target = fill(DataDir(tmp_path / "used"), "other")
    refused = supportplane("restore", backup, "--data-dir", target.root)
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    assert tenants(target) == ["other"]
    assert supportplane("restore", backup, "--data-dir", target.root, "--force").returncode == 0
    assert tenants(target) == ["shop"]


def test_a_damaged_backup_changes_nothing(backup: Path, tmp_path: Path) -> None:
    target = fill(DataDir(tmp_path / "used"), "other")
    damaged = tmp_path / "damaged"
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    refused = supportplane("restore", damaged, "--data-dir", target.root, "--force")
    assert refused.returncode == 1
    assert "checksum" in refused.stderr
    assert tenants(target) == ["other"]


def test_a_directory_in_use_is_neither_backed_up_nor_restored_into(filled: DataDir, backup: Path) -> None:
    with DataLock(filled, purpose="restore"):
        refused = supportplane("restore", backup, "--data-dir", filled.root, "--force")
    assert refused.returncode == 4
    assert "in use by `supportplane restore`" in refused.stderr


def test_a_backup_never_overwrites_a_file_unasked(filled: DataDir, backup: Path) -> None:
    before = backup.read_bytes()
    refused = supportplane("backup", backup, "--data-dir", filled.root)
    assert (refused.returncode, backup.read_bytes()) == (1, before)


def test_dry_runs_say_what_would_happen_and_do_nothing(filled: DataDir, backup: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    done = supportplane("restore", backup, "--data-dir", target, "--dry-run")
    assert (done.returncode, target.exists()) == (0, False)
    assert "would fill" in done.stdout
    done = supportplane("backup", tmp_path / "b", "--data-dir", filled.root, "--dry-run")
    assert (done.returncode, (tmp_path / "b").exists()) == (0, False)
