"""The table of an agent's serving roles: what the builders of Deployments, Services and policies must know of each.

A new role is a row here, its name and port in ``names``, its variables in ``pod`` where it needs some beside those of
every role, and a module of the runtime's ``app``. Jobs and stores are no roles of this table: they serve no requests.
"""

from dataclasses import dataclass

from supportplane_crds import names
from supportplane_operator.snapshot import Manifest


@dataclass(frozen=True, slots=True)
class Role:
    """Pods that take requests. resources: a guess with room, for agents that ask for nothing else.

    asked_by: names of the roles that send requests to this one. is_public: customers send requests, too.
    is_per_revision: every revision of the agent has a Deployment of its own, and the Service selects one of them.
    """

    name: str
    port: int
    resources: Manifest
    asked_by: tuple[str, ...] = ()
    is_public: bool = False
    is_per_revision: bool = False

    def object_name(self, agent: str) -> str:
        """Of the Service and of whatever stands once for the role."""
        return names.of_role(agent, self.name)

    def deployment_name(self, agent: str, revision: str) -> str:
        return names.of_role(agent, self.name, revision if self.is_per_revision else None)


GATEWAY = Role(
    names.ROLE_GATEWAY,
    names.GATEWAY_PORT,
    # The gateway holds streams.
    {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    is_public=True,
)
ORCHESTRATOR = Role(
    names.ROLE_ORCHESTRATOR,
    names.ORCHESTRATOR_PORT,
    # The orchestrator holds the embedding model.
    {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    asked_by=(names.ROLE_GATEWAY,),
    is_per_revision=True,
)
ROLES = (GATEWAY, ORCHESTRATOR)
"""A role that asks stands before the role that is asked."""

ASKED_FIRST = ROLES[::-1]
BY_NAME = {each.name: each for each in ROLES}
