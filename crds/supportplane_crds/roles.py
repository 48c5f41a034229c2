"""The table of an agent's roles that take requests: all that a cluster must know of each.

``names`` and the page ``kubernetes_page.py`` are made from it, the operator renders and judges whatever stands in it,
and tells each role where the roles are that it asks.
A new role is a row here, a module of the runtime's ``app/roles``, and its variables in the operator's ``render/pod.py``
where it needs further ones. Jobs and stores are no roles of this table: they take no requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Role:
    """Pods that take requests. work: what the pods do, as the end of "Deployment of the pods that ...".

    resources: what a container requests and its limits; a guess with room, for agents that ask for nothing else.
    asked_by: names of the roles that send requests to this one, and may. address_variable: of their settings, holds the
    role's URL; "" where none of them reads it. is_public: customers send requests, too.
    is_per_revision: every revision of the agent has a Deployment of its own, and the Service selects one of them.
    """

    name: str
    port: int
    work: str
    resources: Mapping[str, Any]
    asked_by: tuple[str, ...] = ()
    address_variable: str = ""
    is_public: bool = False
    is_per_revision: bool = False

    def object_name(self, agent: str) -> str:
        """Of the Service and of whatever stands once for the role."""
        return f"{agent}-{self.name}"

    def deployment_name(self, agent: str, revision: str) -> str:
        name = self.object_name(agent)
        return f"{name}-{revision}" if self.is_per_revision else name


GATEWAY: Final = Role(
    "gateway",
    8080,
    "take requests",
    # The gateway holds streams.
    {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    is_public=True,
)
ORCHESTRATOR: Final = Role(
    "orchestrator",
    8081,
    "work on turns",
    # The orchestrator holds the embedding model.
    {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    asked_by=(GATEWAY.name,),
    address_variable="ORCHESTRATOR_URL",
    is_per_revision=True,
)
ROLES: Final = (GATEWAY, ORCHESTRATOR)
"""A role that asks stands before the role that is asked."""

ASKED_FIRST: Final = ROLES[::-1]
BY_NAME: Final = {each.name: each for each in ROLES}
