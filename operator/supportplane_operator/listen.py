"""All of kopf: its watches of the operator's own kinds, its credentials, its settings and its end.

``main`` calls ``listen``. kopf is given event handlers only, so kopf keeps no progress, no finalizer and no annotation
in the objects; every event goes to ``kinds``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from supportplane_crds.names import GROUP, VERSION
from supportplane_operator.cache import key_of
from supportplane_operator.kinds import OwnKinds
from supportplane_operator.resources import OWN_KINDS
from supportplane_operator.settings import Settings


async def listen(
    own: OwnKinds, settings: Settings, *, stop: asyncio.Event, at_end: Callable[[], Awaitable[None]]
) -> None:
    """Returns after SIGTERM or ``stop``. at_end: ends the operator's other tasks.

    These tasks end before kopf does: kopf gives tasks that kopf did not start five seconds to end.
    """
    registry = registry_for(own)

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        await at_end()

    await kopf.operator(
        registry=registry,
        settings=kopf_settings(),
        # Without it kopf asks for the user's name, and a pod's user has none.
        identity=settings.pod_name,  # type: ignore[arg-type]  # kopf keeps the type of it to itself
        standalone=True,
        clusterwide=not settings.watch_namespaces,
        namespaces=list(settings.watch_namespaces),
        stop_flag=stop,
    )


def registry_for(own: OwnKinds) -> kopf.OperatorRegistry:
    """Event handlers of the four own kinds, and the login."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    async def tell(event: kopf.RawEvent, **_: Any) -> None:
        manifest: Any = dict(event["object"])
        if event["type"] == "DELETED":
            own.gone(key_of(manifest))
        else:
            own.seen(manifest)

    for kind in OWN_KINDS:
        kopf.on.event(GROUP, VERSION, kind.plural, registry=registry)(tell)
    return registry


def kopf_settings() -> kopf.OperatorSettings:
    found = kopf.OperatorSettings()
    found.peering.standalone = True  # the Lease decides who writes
    found.posting.enabled = False
    found.watching.server_timeout = 240
    found.queueing.idle_timeout = 1.0
    return found
