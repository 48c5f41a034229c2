"""A gateway process for tests that kill it: ``python gateway_process.py PORT GRACE_S``. Prints its API key."""

import asyncio
import sys

from support.gateway.scripted_gateway import make_gateway
from supportplane_runtime.gateway.server import build_server
from supportplane_runtime.telemetry import configure_logging


async def main(port: int, grace_s: float) -> None:
    async with make_gateway(http_port=port, drain_grace_s=grace_s) as gateway:
        configure_logging(gateway.settings)
        print(gateway.key.plain, flush=True)  # noqa: T201 - how the test learns the key
        await build_server(gateway.app, gateway.settings).serve()
        entries = await gateway.store.audit.listing("acme", limit=100)
        print(len([entry for entry in entries if entry.action != "turn.end"]), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
