"""The embedded PostgreSQL's folder: made once, kept, recovered after a kill, refused when it cannot be used."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from supportplane_cli.embedded.account import OWN_IDS, give_to, nobody
from supportplane_cli.embedded.postgres import Postgres, PostgresSpec
from supportplane_cli.errors import DataUnusable, DiskFull
from supportplane_cli.paths import DataDir
from supportplane_cli.supervisor.preflight import prepare_folder
from supportplane_cli.supervisor.startup import start_past_orphans

pytestmark = pytest.mark.slow

MakeServer = Callable[[], Postgres]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """Servers on one folder, one after the other; all are stopped at the end."""
    servers: list[Postgres] = []

    def make() -> Postgres:
        spec = PostgresSpec(
            tmp_path / "postgres", tmp_path / "postgres.log", "super", "role", settings={"fsync": "off"}
        )
        servers.append(Postgres(spec))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


def started(server: Postgres) -> Postgres:
    server.prepare()
    start_past_orphans(server)
    server.provision()
    return server


def kill(server: Postgres) -> None:
    """As a part that the supervisor has seen end: a signal is sent sooner than it is felt."""
    os.kill(server.child.pid, signal.SIGKILL)
    assert server.child.wait(timeout_s=60) == -signal.SIGKILL


def test_data_survives_a_killed_server_and_the_next_one_starts(make_server: MakeServer) -> None:
    first = started(make_server())
    with psycopg.connect(first.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with psycopg.connect(first.url(), autocommit=True) as busy:
        busy.execute("SELECT 1")
        kill(first)
        second = started(make_server())
    with psycopg.connect(second.url()) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_lock_file_whose_pid_is_another_program_s_now_does_not_stop_the_start(make_server: MakeServer) -> None:
    server = started(make_server())
    server.stop()
    lock = server.data / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{server.data}\n1\n1\n\n\n\n\n")
    shutil.chown(lock, server.data.stat().st_uid, server.data.stat().st_gid)
    assert started(make_server()).is_ready()


def test_a_second_server_on_a_live_folder_is_refused_with_the_first_one_s_pid(make_server: MakeServer) -> None:
    server = started(make_server())
    with pytest.raises(DataUnusable, match=rf"pid {server.child.pid}\) that this supervisor did not start"):
        make_server().start()
    assert server.is_ready()


def test_a_damaged_control_file_is_told_with_what_to_do(make_server: MakeServer) -> None:
    server = started(make_server())
    server.stop()
    control = server.data / "global" / "pg_control"
    control.write_bytes(b"\0" * control.stat().st_size)
    again = make_server()
    again.prepare()
    with pytest.raises(DataUnusable, match="is damaged and does not start") as caught:
        start_past_orphans(again)
    assert "supportplane restore" in str(caught.value.hint)


def test_lost_log_files_are_told_as_damage(make_server: MakeServer) -> None:
    server = started(make_server())
    kill(server)
    for segment in (server.data / "pg_wal").glob("0*"):
        segment.unlink()
    again = make_server()
    again.prepare()
    with pytest.raises(DataUnusable, match="is damaged and does not start"):
        start_past_orphans(again)


def test_a_half_made_cluster_is_made_anew(make_server: MakeServer) -> None:
    server = make_server()
    half = server.spec.folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert started(server).is_ready()


def test_the_wrong_password_is_told_at_once(make_server: MakeServer) -> None:
    server = started(make_server())
    server.stop()
    spec = server.spec
    other = Postgres(PostgresSpec(spec.folder, spec.log_file, "forgotten", "role"))
    other.prepare()
    other.start()
    try:
        with pytest.raises(DataUnusable, match="another password than the one kept beside it"):
            other.wait_ready()
    finally:
        other.stop()


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a program as somebody else")

PREPARE = """
import sys
import tempfile
from pathlib import Path
from supportplane_cli.embedded.postgres import Postgres, PostgresSpec
folder = Path(sys.argv[1])
try:
    Postgres(PostgresSpec(folder / "postgres", folder / "postgres.log", "super", "role")).prepare()
except Exception as error:
    print(type(error).__name__, error)
"""


@AS_ROOT
def test_root_runs_it_as_another_account_below_a_closed_folder_and_opens_nothing(
    make_server: MakeServer, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    server = started(make_server())
    assert psutil.Process(server.child.pid).uids().real in OWN_IDS
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert not Path("/mnt/supportplane").exists()


@pytest.fixture
def passable(tmp_path: Path) -> Iterator[Path]:
    """A folder that every account may pass through, which what pytest gives is not."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def reads_as_nobody(path: Path) -> bool:
    command = [
        "setpriv",
        f"--reuid={nobody().uid}",
        f"--regid={nobody().gid}",
        "--clear-groups",
        "head",
        "-c1",
        str(path),
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@AS_ROOT
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is needed to be somebody else")
def test_a_folder_that_an_earlier_release_left_to_nobody_is_closed_to_nobody_and_keeps_its_rows(passable: Path) -> None:
    """Earlier releases ran the server as `nobody`, below a folder that everybody may pass through."""
    spec = PostgresSpec(passable / "postgres", passable / "postgres.log", "super", "role", settings={"fsync": "off"})
    first = started(Postgres(spec))
    with psycopg.connect(first.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    first.stop()
    give_to(nobody(), first.data)
    spec.folder.chmod(0o711)
    assert reads_as_nobody(first.data / "pg_hba.conf")

    second = Postgres(spec)
    try:
        started(second)
        with psycopg.connect(second.url()) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]
        assert not reads_as_nobody(second.data / "pg_hba.conf")
        assert {path.stat().st_uid for path in second.data.rglob("*")} == {second.data.stat().st_uid}
        assert psutil.Process(second.child.pid).uids().real == second.data.stat().st_uid in OWN_IDS
    finally:
        second.stop()


@AS_ROOT
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is needed to take the right to mount away")
def test_a_container_that_forbids_private_mounts_is_told_where_to_put_the_data(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    command = ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-c", PREPARE, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "DataUnusable PostgreSQL does not run as root" in said


@AS_ROOT
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is needed to take the right to mount away")
def test_a_data_directory_that_everyone_may_pass_through_needs_no_private_mount(passable: Path) -> None:
    prepare_folder(DataDir(passable / "data"))
    command = ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-c", PREPARE, str(passable / "data")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""
    assert (passable / "data" / "postgres" / "data" / "PG_VERSION").exists()


@pytest.fixture(params=["20m", "60m"])
def tiny_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system that fills while binaries are copied, and one that does while initdb works; only root makes one."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system to fill")
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = (
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={request.param}", "tmpfs", folder], check=False).returncode
        == 0
    )
    if not mounted:
        pytest.skip("this container forbids mounting a small file system to fill")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_while_the_database_is_made_is_told_and_leaves_nothing_half_made(tiny_disk: Path) -> None:
    server = Postgres(PostgresSpec(tiny_disk / "postgres", tiny_disk / "postgres.log", "super", "role"))
    with pytest.raises(DiskFull, match="is full"):
        server.prepare()
    assert not server.data.exists()
