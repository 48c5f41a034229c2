"""Every statement sent to the database keeps to one tenant; the few that cannot are named here, with why."""

import importlib
import pkgutil
import re

import pytest

from supportplane_runtime.domain.ending import KINDS
from supportplane_runtime.store import postgres
from supportplane_runtime.store.postgres.effects import CLAUSES
from supportplane_runtime.store.postgres.turns import finishing
from supportplane_runtime.store.tables import metadata

# Found by a secret: the tenant comes out of these, it does not go in. A worker may claim for every tenant; audit
# entries name theirs in a document; the size of a table is nobody's.
WITHOUT_TENANT = {
    "keys.LOOKUP",
    "sessions.LOOKUP",
    "sessions.END",
    "sessions.REDEEM",
    "turns.CLAIM_ABANDONED",
    "audit.RECORD",
    "audit.SIZE",
}


def statements() -> dict[str, str]:
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(postgres.__path__, f"{postgres.__name__}.")
    ]
    verbs = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and verbs.match(value) and "{" not in value
    }


# Pieces that others are made of; they are read as parts of those.
PIECES = {"rows.TURN", "rows.TICKET", "turns.TURN", "records.TURN", "records.TICKET", "records.SUMMARY"}
WHOLE = {name: text for name, text in statements().items() if name not in PIECES} | {
    "turns.finishing without effects": finishing(()),
    "turns.finishing with every effect": finishing(KINDS),
}


def test_the_statements_are_found() -> None:
    assert {
        "turns.END_UNANSWERED",
        "records.CONVERSATIONS",
        "keys.REVOKE",
        "sessions.CREATE_LINK",
        "audit.LISTING",
    } <= set(WHOLE)
    assert set(WHOLE) >= WITHOUT_TENANT


@pytest.mark.parametrize("name", sorted(set(WHOLE) - WITHOUT_TENANT))
def test_a_statement_names_its_tenant(name: str) -> None:
    assert "tenant = %(tenant)s" in WHOLE[name] or "(%(tenant)s" in WHOLE[name]


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_every_join_is_on_the_tenant(name: str) -> None:
    joins = re.findall(r"JOIN\s+(\w+)\s*(\w*)\s+ON\s+([^\n]*)", WHOLE[name])

    assert [table for table, _, condition in joins if table in metadata.tables and ".tenant" not in condition] == []


def parameters(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def test_effects_of_one_statement_give_no_name_a_second_meaning() -> None:
    tables = re.findall(r"(\w+) AS \(", finishing(KINDS))
    assert len(tables) == len(set(tables))
    of_all = {"tenant", "turn_id", "user_id"}
    seen = parameters(finishing(())) - of_all
    for kind in KINDS:
        own = parameters(CLAUSES[kind].ctes) - of_all
        assert not own & seen, kind
        seen |= own
