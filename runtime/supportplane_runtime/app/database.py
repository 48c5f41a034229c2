"""What the processes of an agent have in common in their database: its schema, which they wait for, and secrets.

Called by the roles that need one before they can serve: gateway, serve, orchestrator.
"""

import asyncio
import time
from pathlib import Path

import structlog

from supportplane_runtime.errors import SchemaMismatch, StoreUnavailable
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.migrations import NEWEST

log = structlog.get_logger(__name__)

VISITORS = "visitors"
TURNS = "turns"
KEPT_ANSWERS = "kept-answers"
WAIT_S = 300.0  # a guess: a new database cluster and its migration; then the process ends and is started again
POLL_S = 1.0


async def wait_for_schema(store: Store) -> None:
    """Until the database answers and has this release's schema. Raises StoreUnavailable, SchemaMismatch after WAIT_S.

    A newer schema is waited for no longer: it does not become older. An older one is, its migration may be running.
    """
    deadline = time.monotonic() + WAIT_S
    while (fault := await schema_fault(store)) is not None:
        is_newer = isinstance(fault, SchemaMismatch) and (await store.schema() or "") > NEWEST
        if is_newer or time.monotonic() > deadline:
            raise fault
        log.warning("waiting_for_database", detail=fault.detail)
        await asyncio.sleep(POLL_S)


async def schema_fault(store: Store) -> StoreUnavailable | SchemaMismatch | None:
    try:
        found = await store.schema()
    except StoreUnavailable as fault:
        return fault
    if found == NEWEST:
        return None
    return SchemaMismatch(f"The database is at schema {found or 'none'} and this release needs {NEWEST}.")


async def visitor_secret(store: Store, tenant: str, data_dir: Path) -> bytes:
    """Signs the tokens of widget visitors. Earlier releases kept it in a file, whose value goes on being used."""
    path = data_dir / "passwords" / "visitor-secret"
    try:
        kept = await asyncio.to_thread(path.read_text)
    except OSError:
        kept = ""
    return bytes.fromhex(await store.shared_secrets.secret(tenant, VISITORS, offer=kept.strip() or None))


async def turns_token(store: Store, tenant: str) -> str:
    """What gateways show to orchestrators."""
    return await store.shared_secrets.secret(tenant, TURNS)


async def kept_answers_secret(store: Store, tenant: str) -> bytes:
    """By which answers to equal questions are named and signed."""
    return (await store.shared_secrets.secret(tenant, KEPT_ANSWERS)).encode()
