"""A plan to the manifests that should exist: everything wanted, in the order it is applied. Pure.

``reconcile`` and ``supportplane render`` call ``render`` for an agent and ``render_endpoint`` for a model endpoint.
One file per kind, each a function from the plan (and a role of the contract's table) to a manifest, or to None where it
is not wanted.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from supportplane_crds.roles import ASKED_FIRST, ROLES, Role
from supportplane_operator.render import (
    cnpg_cluster,
    config_map,
    dashboard,
    deployment,
    hpa,
    http_route,
    ingress,
    job,
    model,
    network_policy,
    pdb,
    prometheus_rule,
    redis,
    scaled_object,
    service,
    service_account,
    service_monitor,
    weaviate,
)
from supportplane_operator.render.plan import Plan
from supportplane_operator.settings import Settings
from supportplane_operator.snapshot import EndpointSnapshot, Manifest

_Builder: TypeAlias = Callable[[Plan], Manifest | None]


def _each(builder: Callable[[Plan, Role], Manifest | None], roles: Iterable[Role] = ROLES) -> tuple[_Builder, ...]:
    """The builder once for every role."""
    return tuple(_for(builder, role) for role in roles)


def _for(builder: Callable[[Plan, Role], Manifest | None], role: Role) -> _Builder:
    return lambda plan: builder(plan, role)


_BUILDERS: tuple[_Builder, ...] = (
    *_each(service_account.service_account),
    cnpg_cluster.cluster,
    redis.deployment,
    redis.service,
    weaviate.stateful_set,
    weaviate.service,
    config_map.agent_config,
    job.migrate,
    job.knowledge,
    *_each(service.service, ASKED_FIRST),
    deployment.running_orchestrator,
    *_each(deployment.deployment, ASKED_FIRST),
    *_each(hpa.hpa),
    *_each(scaled_object.scaled_object),
    *_each(pdb.pdb),
    ingress.certificate,
    ingress.ingress,
    http_route.http_route,
    service_monitor.service_monitor,
    prometheus_rule.prometheus_rule,
    dashboard.dashboard,
)


def render(plan: Plan) -> tuple[Manifest, ...]:
    """Everything wanted of an agent. While a reference of the agent is missing, its children are kept unchanged."""
    if plan.is_blocked:
        return tuple(deployment.as_it_is(child) for _, child in sorted(plan.snapshot.children.items()))
    found = (builder(plan) for builder in _BUILDERS)
    wanted = (manifest for manifest in found if manifest is not None)
    return (*network_policy.policies(plan), *config_map.configs_in_use(plan), *wanted)


def render_endpoint(snapshot: EndpointSnapshot, settings: Settings) -> tuple[Manifest, ...]:
    """Everything wanted of a model endpoint; nothing for one with a URL of its own."""
    return model.manifests(snapshot, settings)
