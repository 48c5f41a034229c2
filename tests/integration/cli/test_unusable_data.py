"""Data directories that `up` cannot use: each is one sentence that says what to do, and is left as it was."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from support.laptop.terminal import Terminal
from supportplane_cli.dumping import embedded_database
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.paths import DataDir

pytestmark = pytest.mark.slow

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as somebody else or mount a disk")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a stopped database."""
    root = tmp_path_factory.mktemp("made") / "data"
    with embedded_database(DataDir(root)):
        pass
    return root


@pytest.fixture
def stopped(make_laptop: Callable[..., Terminal], made_once: Path) -> Terminal:
    """A laptop with a copy of it, to damage."""
    laptop = make_laptop()
    subprocess.run(["cp", "-a", str(made_once), str(laptop.data)], check=True)
    return laptop


def refused(laptop: Terminal, sentence: str, advice: str) -> None:
    done = laptop.run(*laptop.up_flags)
    assert done.returncode == 7, done.stdout + done.stderr
    assert sentence in done.stderr
    assert advice in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_an_older_postgresql(stopped: Terminal) -> None:
    (stopped.data / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    refused(stopped, "was made by PostgreSQL 16; this release runs PostgreSQL 18", "supportplane backup")


def test_a_database_with_a_damaged_control_file(stopped: Terminal) -> None:
    control = stopped.data / "postgres" / "data" / "global" / "pg_control"
    control.write_bytes(os.urandom(control.stat().st_size))
    refused(stopped, "is damaged and does not start", "supportplane restore")


def test_a_database_folder_that_lost_its_files(stopped: Terminal) -> None:
    shutil.rmtree(stopped.data / "postgres" / "data" / "global")
    refused(stopped, "files every database has are gone", "supportplane restore")


def test_a_directory_of_a_newer_release(stopped: Terminal) -> None:
    (stopped.data / "layout.json").write_text('{"layout": 2, "release": "3.0.0"}')
    refused(stopped, "was written by supportplane 3.0.0", "install supportplane 3.0.0 or newer")


def test_a_database_that_a_newer_release_migrated(stopped: Terminal) -> None:
    with embedded_database(DataDir(stopped.data)) as postgres, psycopg.connect(postgres.url()) as connection:
        connection.execute("CREATE TABLE schema_version (version_num text)")
        connection.execute("INSERT INTO schema_version VALUES ('9999')")
    refused(stopped, "is at schema 9999, newer than this release knows", "start it with the release that migrated it")


@AS_ROOT
def test_a_full_disk(make_laptop: Callable[..., Terminal]) -> None:
    laptop = make_laptop()
    laptop.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(laptop.data)]
    if subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("this container forbids mounting a small file system to fill")
    try:
        refused(laptop, "MB are free", "free some space")
    finally:
        subprocess.run(["umount", str(laptop.data)], check=True)


@AS_ROOT
def test_a_folder_of_another_user() -> None:
    # Not below pytest's folder: that one is its user's alone, and every new test session closes it again.
    with tempfile.TemporaryDirectory() as name:
        laptop = Terminal(
            Path(name), free_port(), prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        )
        laptop.write()
        laptop.data.mkdir(mode=0o700)
        for path in (laptop.folder, laptop.folder / "guide", *laptop.folder.rglob("*.*")):
            path.chmod(0o755)
        refused(laptop, "cannot be written to by uid 65534", "--data-dir")
