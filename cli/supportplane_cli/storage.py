"""Opens the runtime's store for commands that manage keys and links: the one place where the command line does.

Keys and one-time links are the store's business (hashing, tenants, audit), so no SQL is written here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from supportplane_cli.errors import CommandFailed
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import RuntimeFault
from supportplane_runtime.store.interfaces.keys import ApiKey, KeyKind
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.postgres.store import open_store

LINK_TTL_S = 15 * 60  # a guess: long enough to switch to the browser, short enough to be worthless in a log
LINK_USER = "local"  # who the chat page of this machine acts as


@asynccontextmanager
async def opened_store(database_url: str) -> AsyncIterator[Store]:
    """Raises CommandFailed with the store's own sentence."""
    try:
        store = await open_store(database_url, pool_size=1)
        try:
            yield store
        finally:
            await store.close()
    except RuntimeFault as fault:
        raise CommandFailed(fault.detail) from fault


async def first_key(store: Store, tenant: str, known: str | None) -> str:
    """The key in hand if it is still good, else a new one with every scope."""
    if known is not None and await store.keys.lookup(known) is not None:
        return known
    _, plain = await create_key(store, tenant, "first", scopes=frozenset(Scope))
    return plain


async def create_key(
    store: Store, tenant: str, name: str, *, scopes: frozenset[Scope], origins: tuple[str, ...] = ()
) -> tuple[ApiKey, str]:
    """A publishable key when origins are given, else a secret one."""
    kind = KeyKind.PUBLISHABLE if origins else KeyKind.SECRET
    return await store.keys.create(tenant, name, kind=kind, scopes=scopes, origins=origins)


async def one_time_link(store: Store, tenant: str, base_url: str) -> str:
    """A URL that signs one browser in, once."""
    token = await store.sessions.create_link(tenant, LINK_USER, ttl_s=LINK_TTL_S)
    return f"{base_url}/#token={token}"
