"""The role ``migrate``: the database at this release's schema, before anything serves."""

import asyncio

import structlog

from supportplane_crds import AgentFile
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.migrate import upgrade

log = structlog.get_logger(__name__)


async def run(settings: Settings, _: AgentFile) -> None:
    version = await asyncio.to_thread(upgrade, settings.database_url.get_secret_value())
    log.info("database_migrated", version=version)
