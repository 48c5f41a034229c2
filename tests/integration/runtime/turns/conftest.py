"""Every implementation of Turns, each as a factory. A new one is one more row here."""

from collections.abc import Callable

import pytest

from support.runtime.turn_subject import Factory, in_memory, on_postgres, over_http

IMPLEMENTATIONS: dict[str, Callable[[pytest.FixtureRequest], Factory]] = {
    "in process, memory": lambda _: in_memory,
    "in process, PostgreSQL": lambda request: on_postgres(request.getfixturevalue("migrated_database_url")),
    "over HTTP, memory": lambda _: over_http(in_memory),
    "over HTTP, PostgreSQL": lambda request: over_http(on_postgres(request.getfixturevalue("migrated_database_url"))),
}


@pytest.fixture(params=IMPLEMENTATIONS)
def factory(request: pytest.FixtureRequest) -> Factory:
    return IMPLEMENTATIONS[request.param](request)
