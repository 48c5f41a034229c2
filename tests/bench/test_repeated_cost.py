"""What a repeated question costs beside one that is worked on: pytest -s tests/bench/test_repeated_cost.py.

The same process, questions and users; rounds in turn, medians are printed. A miss has a new question, with a few
letters that no question had before; a hit has one of a few that have been answered.
"""

import itertools
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from bench import load, test_turn_cost
from bench.test_turn_cost import CONNECTIONS, QUESTIONS, ROUNDS, Measured, bodies, start_turns, table_of
from supportplane_cli.embedded.postgres import Postgres
from supportplane_cli.embedded.redis import Redis

pytestmark = pytest.mark.timeout(1200)


def repeated(count: int) -> list[dict[str, str]]:
    users = (f"user-{n % 50}" for n in itertools.count())
    return [
        {"query": f"{each}?", "user_id": next(users)} for each in itertools.islice(itertools.cycle(QUESTIONS), count)
    ]


async def test_a_repeated_question_is_cheaper(
    tmp_path: Path,
    migrated_database_url: str,
    redis_url: str,
    postgres_server: Postgres,
    redis_server: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = {"miss": bodies, "hit": repeated}
    with ExitStack() as stack:
        server, _ = await start_turns(stack, tmp_path, (migrated_database_url, redis_url), writing="Disabled")
        for make in kinds.values():
            await load.run_round(
                f"http://127.0.0.1:{server.port}/api/v1/query", make(60), server.headers, connections=8
            )
        results: dict[tuple[int, str], list[Measured]] = {}
        for connections in CONNECTIONS:
            for _, (kind, make) in itertools.product(range(ROUNDS), kinds.items()):
                monkeypatch.setattr(test_turn_cost, "bodies", make)
                measured = await test_turn_cost.measure(
                    server, (postgres_server, redis_server), connections=connections
                )
                results.setdefault((connections, kind), []).append(measured)
    Console(width=140).print(table_of(results))
    assert all(one.round.failed == 0 for rounds in results.values() for one in rounds)
