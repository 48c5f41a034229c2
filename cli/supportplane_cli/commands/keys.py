"""`supportplane keys`: API keys of the running agent's tenant. A key's secret is printed once, when it is made."""

import asyncio
import re
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supportplane_cli.console import emit, note, say, table
from supportplane_cli.errors import WrongUsage
from supportplane_cli.options import DataDirOption, DryRunOption, JsonOption
from supportplane_cli.paths import find_data_dir
from supportplane_cli.state import State, running_state

if TYPE_CHECKING:
    from supportplane_runtime.store.interfaces.keys import ApiKey

CREATE_EPILOG = """Examples:

  supportplane keys create shop-backend

  supportplane keys create report --scope read

  supportplane keys create website --origin https://shop.example.com

A key with origins is publishable: it may stand in a web page and works on those sites only.
"""
GENERATE_EPILOG = """Examples:

  kubectl create secret generic helpdesk-api-keys --from-literal=shop-backend="$(supportplane keys generate)"

It becomes valid when a SupportAgent names the Secret in spec.gateway.auth.apiKeysSecretRef.
"""
LIST_EPILOG = """Examples:

  supportplane keys list

  supportplane keys list --json | jq '.[] | select(.revoked_at == null) | .key_id'
"""
REVOKE_EPILOG = """Examples:

  supportplane keys revoke 3fK0sWq2Zt9Xab
"""
SCOPES = ("invoke", "read", "admin")
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?/?")

cli = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


@cli.command(epilog=CREATE_EPILOG)
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, shown in lists.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="invoke, read or admin; repeat for more. Default: invoke.", show_default=False),
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Website that may use the key in browsers; repeat for more.")
    ] = None,
    data_dir: DataDirOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, once."""
    scopes = parse_scopes(scope or ["invoke"])
    check_name(name)
    check_origins(origin or [], scopes)
    state = running_state(find_data_dir(data_dir))
    if dry_run:
        say(f"Would make the key {name} of tenant {state.tenant} with {', '.join(scopes)}.")
        return
    key, plain = asyncio.run(make(state, name, scopes, tuple(origin or ())))
    if as_json:
        emit({**describe(key), "key": plain})
        return
    say(plain)
    note(f"Key {key.key_id} ({key.name}) is shown this once; put it where it is needed now.")


@cli.command(epilog=GENERATE_EPILOG)
def generate(as_json: JsonOption = False) -> None:
    """Print a new key that no agent knows yet: for the Secret of an agent on a cluster."""
    from supportplane_runtime.store.credentials import mint_key
    from supportplane_runtime.store.interfaces.keys import KeyKind

    key = mint_key(KeyKind.SECRET)
    if as_json:
        emit({"key": key})
        return
    say(key)


@cli.command("list", epilog=LIST_EPILOG)
def listing(data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """List all keys, revoked ones too, never their secrets."""
    keys = [describe(key) for key in asyncio.run(read(running_state(find_data_dir(data_dir))))]
    if as_json:
        emit(keys)
        return
    columns = ("key_id", "name", "kind", "scopes", "origins", "created_at", "last_used_at", "revoked_at")
    table([column.replace("_", " ") for column in columns], [[cell(key[column]) for column in columns] for key in keys])


@cli.command(epilog=REVOKE_EPILOG)
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id, from `supportplane keys list`.")],
    data_dir: DataDirOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key invalid for ever; whoever uses it is refused within 5 seconds."""
    state = running_state(find_data_dir(data_dir))
    if dry_run:
        say(f"Would revoke the key {key_id}.")
        return
    key = asyncio.run(take_back(state, key_id))
    if as_json:
        emit(describe(key))
    else:
        say(f"Revoked the key {key.key_id} ({key.name}).")


def check_name(name: str) -> None:
    """Raises WrongUsage for a name that would not stand in a list as one plain line."""
    from supportplane_runtime.errors import InvalidRequest
    from supportplane_runtime.store.rules.keys import ensure_key_name

    try:
        ensure_key_name(name)
    except InvalidRequest as fault:
        raise WrongUsage(fault.detail, hint="name the key with letters, digits and spaces") from fault


def check_origins(origins: list[str], scopes: tuple[str, ...]) -> None:
    """Raises WrongUsage for what no browser sends as an Origin, and for scopes with which no visitor can ask."""
    wrong = next((each for each in origins if _ORIGIN.fullmatch(each) is None), None)
    if wrong is not None:
        hint = "name scheme, host and port only: https://shop.example.com or http://localhost:3000"
        raise WrongUsage(f"--origin {wrong} is not an origin.", hint=hint)
    if origins and "invoke" not in scopes:
        raise WrongUsage("A key with --origin is for visitors, who need the scope invoke.", hint="add --scope invoke")


def parse_scopes(names: list[str]) -> tuple[str, ...]:
    wrong = [name for name in names if name not in SCOPES]
    if wrong:
        raise WrongUsage(f"--scope {wrong[0]} is not one of {', '.join(SCOPES)}.")
    return tuple(names)


async def make(state: State, name: str, scopes: tuple[str, ...], origins: tuple[str, ...]) -> "tuple[ApiKey, str]":
    from supportplane_cli import storage
    from supportplane_runtime.domain.identity import Scope

    async with storage.opened_store(state.database_url) as store:
        wanted = frozenset(Scope(scope) for scope in scopes)
        return await storage.create_key(store, state.tenant, name, scopes=wanted, origins=origins)


async def read(state: State) -> "list[ApiKey]":
    from supportplane_cli import storage

    async with storage.opened_store(state.database_url) as store:
        return await store.keys.listing(state.tenant)


async def take_back(state: State, key_id: str) -> "ApiKey":
    from supportplane_cli import storage

    async with storage.opened_store(state.database_url) as store:
        return await store.keys.revoke(state.tenant, key_id)


def describe(key: "ApiKey") -> dict[str, Any]:
    facts = asdict(key)
    facts["scopes"] = sorted(str(scope) for scope in key.scopes)
    facts["origins"] = list(key.origins)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}


def cell(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(value) or "-" if isinstance(value, list) else str(value)[:19]
