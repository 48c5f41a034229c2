"""What a turn costs in this tree beside another commit of it: ``make bench BASE=<commit>``. Prints a table.

Both trees run at the same time, each on its own database, and take rounds in turn, because the machine changes speed.
A round's ratio is the processor time of a turn here by that of the base; the median of the ratios and the interval that
holds it with 95 % are printed. Both trees run on this environment, so that their lock files must be the same.
"""

import math
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from bench import load
from bench.test_turn_cost import AGENT, DOCS, TENANT, WARM_UP, Server, bodies, measure, start_model
from support.repository import REPOSITORY
from support.runtime.roles import Roles
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.postgres import Postgres
from supportplane_cli.embedded.redis import Redis
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces.keys import KeyKind

pytestmark = pytest.mark.timeout(1800)

HERE = REPOSITORY
BASE = os.environ.get("BASE", "")
PAIRS = int(os.environ.get("BENCH_PAIRS", "15"))  # an odd number, of two rounds each
CONNECTIONS = 8
PACKAGES = ("crds", "runtime")


@dataclass
class Compared:
    """CPU milliseconds a turn, a pair of rounds each."""

    here: list[float] = field(default_factory=list)
    base: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return sorted(mine / theirs for mine, theirs in zip(self.here, self.base, strict=True))


def interval(ordered: list[float]) -> tuple[float, float]:
    """That holds the median with 95 %, whatever the distribution: by the signs of the differences."""
    count, outside = len(ordered), 0
    cut = 0
    while cut < count // 2:
        outside += math.comb(count, cut)
        if 2 * outside / 2**count > 0.05:
            break
        cut += 1
    cut = max(0, cut - 1)
    return ordered[cut], ordered[-1 - cut]


@pytest.fixture
def base_tree(tmp_path: Path) -> Iterator[Path]:
    git = shutil.which("git")
    if not BASE or git is None:
        pytest.skip("BASE names no commit to compare with: make bench BASE=<commit>")
    folder = tmp_path / "base"
    subprocess.run([git, "worktree", "add", "--detach", str(folder), BASE], cwd=HERE, check=True)
    try:
        lock = "requirements.lock"
        assert (folder / lock).read_text() == (HERE / lock).read_text(), f"{BASE} has another {lock}"
        yield folder
    finally:
        subprocess.run([git, "worktree", "remove", "--force", str(folder)], cwd=HERE, check=True)


def start_tree(stack: ExitStack, tree: Path, folder: Path, urls: tuple[str, str], model_port: int) -> Server:
    """Of the role serve of a tree, with a key that the process reads from a file, as on a cluster."""
    key, port, keys_dir = mint_key(KeyKind.SECRET), free_port(), folder / "keys"
    keys_dir.mkdir(parents=True)
    (keys_dir / "bench").write_text(key)
    agent_file = folder / "agent.yaml"
    agent_file.write_text(AGENT.format(tenant=TENANT, writing="Disabled", model_port=model_port, docs=DOCS))
    environment = {
        "PYTHONPATH": os.pathsep.join(str(tree / package) for package in PACKAGES),
        "SUPPORTPLANE_AGENT_FILE": str(agent_file),
        "SUPPORTPLANE_API_KEYS_DIR": str(keys_dir),
        "SUPPORTPLANE_DATA_DIR": str(folder),
        "SUPPORTPLANE_DATABASE_URL": urls[0],
        "SUPPORTPLANE_REDIS_URL": urls[1],
        "SUPPORTPLANE_LOG_LEVEL": "WARNING",
    }
    roles = Roles(stack, folder, environment)
    for role in ("migrate", "knowledge"):
        roles.run(role)
    child = roles.serve("serve", port=port)
    return Server(tree.name, port, (child.pid,), {"authorization": f"Bearer {key}"}, port)


async def round_ms(server: Server, parts: tuple[Postgres, Redis]) -> float:
    measured = await measure(server, parts, connections=CONNECTIONS)
    assert measured.round.failed == 0
    return measured.per_turn_ms(measured.server_s)


def table_of(compared: Compared) -> Table:
    low, high = interval(compared.ratios)
    table = Table(title=f"CPU-ms of the server a turn, {PAIRS} pairs of rounds, against {BASE}")
    for column in ("here, median", "base, median", "ratio, median", "95 % of the median"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{load.median(compared.here):.2f}",
        f"{load.median(compared.base):.2f}",
        f"{load.median(compared.ratios):.3f}",
        f"{low:.3f} to {high:.3f}",
    )
    return table


async def test_turn_cost_against_base(
    base_tree: Path,
    tmp_path: Path,
    make_database: Callable[[str], str],
    redis_url: str,
    postgres_server: Postgres,
    redis_server: Redis,
) -> None:
    compared, parts = Compared(), (postgres_server, redis_server)
    with ExitStack() as stack:
        model_port = start_model(stack, tmp_path)
        here, base = (
            start_tree(
                stack, tree, tmp_path / secrets.token_hex(4), (make_database("template1"), redis_url), model_port
            )
            for tree in (HERE, base_tree)
        )
        for server in (here, base):
            url = f"http://127.0.0.1:{server.port}/api/v1/query"
            await load.run_round(url, bodies(WARM_UP), server.headers, connections=CONNECTIONS)
        for pair in range(PAIRS):  # who goes first changes, so that a drift favours nobody
            ordered = ((here, compared.here), (base, compared.base))
            for server, seen in ordered if pair % 2 else reversed(ordered):
                seen.append(await round_ms(server, parts))
    Console(width=140).print(table_of(compared))
