"""NetworkPolicies: nothing goes in or out of an agent's pods but what is listed here, and never to the API server.

Host names are not possible in a policy. What is in the cluster is named by labels; what is not, by port and by every
address but the API server's.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from supportplane_crds import names
from supportplane_crds.roles import ROLES, Role
from supportplane_operator.render.meta import compact, labels, metadata, selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.pod import WEAVIATE_HTTP_PORT
from supportplane_operator.settings import Settings
from supportplane_operator.snapshot import Manifest

REDIS_PORT = 6379
POSTGRES_PORT = 5432
NAMESPACE_NAME = "kubernetes.io/metadata.name"  # set by the API server on every namespace
CNPG_CLUSTER_LABEL = "cnpg.io/cluster"

_IN_CLUSTER = re.compile(r"[a-z0-9-]+\.(?P<namespace>[a-z0-9-]+)(\.svc(\.cluster\.local)?)")


def policies(plan: Plan) -> tuple[Manifest, ...]:
    """None when they are switched off."""
    if not plan.snapshot.agent.spec.network_policy.enabled:
        return ()
    managed = [_cache(plan)] if plan.has_managed_cache else []
    managed += [_weaviate(plan)] if plan.managed_weaviate else []
    return (_deny(plan), *(_serving(plan, each) for each in ROLES), _jobs(plan), *managed)


def _deny(plan: Plan) -> Manifest:
    """Whatever pod of the agent no other policy speaks of."""
    return policy(plan, f"{plan.name}-default", "default", {"matchLabels": {names.LABEL_AGENT: plan.name}})


def _serving(plan: Plan, role: Role) -> Manifest:
    """Of one role: who may ask it, and what it may ask."""
    ingress = _from_customers(plan, role) if role.is_public else _from_roles(plan, role)
    asked = [_rule("to", [_pods(plan, each.name)], [each.port]) for each in ROLES if role.name in each.asked_by]
    name, select = role.object_name(plan.name), _select(plan, role.name)
    return policy(plan, name, role.name, select, ingress=ingress, egress=[*asked, *_out(plan)])


def _from_customers(plan: Plan, role: Role) -> list[Manifest]:
    """Everybody, unless the agent names the namespaces that may ask."""
    peers = [_namespaces(each.namespace_labels) for each in plan.snapshot.agent.spec.network_policy.ingress_from]
    monitoring = _namespaces(plan.settings.monitoring_labels)
    always = [_namespaces({NAMESPACE_NAME: plan.settings.namespace}), monitoring]
    customers = _rule("from", [*peers, *always] if peers else [], [role.port])
    return [customers, _probers([monitoring] if peers else [])]


def _from_roles(plan: Plan, role: Role) -> list[Manifest]:
    """A role that nobody asks is only probed: a rule without peers would let everybody in."""
    probers = _probers([_namespaces(plan.settings.monitoring_labels)])
    if not role.asked_by:
        return [probers]
    return [_rule("from", [_pods(plan, each) for each in role.asked_by], [role.port]), probers]


def _probers(peers: Sequence[Manifest]) -> Manifest:
    """peers: none lets in everybody. The node's kubelet needs no rule."""
    return _rule("from", peers, [names.HEALTH_PORT])


def _jobs(plan: Plan) -> Manifest:
    roles = [names.ROLE_KNOWLEDGE, names.ROLE_MIGRATE]
    select = {
        "matchLabels": {names.LABEL_AGENT: plan.name},
        "matchExpressions": [{"key": names.LABEL_COMPONENT, "operator": "In", "values": roles}],
    }
    return policy(plan, f"{plan.name}-jobs", names.ROLE_KNOWLEDGE, select, egress=_out(plan))


def _cache(plan: Plan) -> Manifest:
    role = names.COMPONENT_CACHE
    ingress = _rule("from", [_all_pods(plan)], [REDIS_PORT])
    return policy(plan, names.cache(plan.name), role, _select(plan, role), ingress=[ingress])


def _weaviate(plan: Plan) -> Manifest:
    role = names.COMPONENT_WEAVIATE
    ingress = _rule("from", [_all_pods(plan)], [WEAVIATE_HTTP_PORT, names.WEAVIATE_GRPC_PORT])
    return policy(plan, names.weaviate(plan.name), role, _select(plan, role), ingress=[ingress])


# Where the runtime has to go


def _out(plan: Plan) -> list[Manifest]:
    found = [dns(), _database(plan), _redis(plan), _model(plan), _judge(plan), _vectors(plan)]
    return [each for each in found if each is not None]


def dns() -> Manifest:
    """To any address: cluster DNS may run on the node itself."""
    return {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}


def _database(plan: Plan) -> Manifest:
    if plan.cnpg:
        peer = {"podSelector": {"matchLabels": {CNPG_CLUSTER_LABEL: names.database(plan.name)}}}
        return _rule("to", [peer], [POSTGRES_PORT])
    return _rule("to", _anywhere(plan.settings), plan.settings.database_ports)


def _redis(plan: Plan) -> Manifest:
    if plan.has_managed_cache:
        return _rule("to", [_pods(plan, names.COMPONENT_CACHE)], [REDIS_PORT])
    return _rule("to", _anywhere(plan.settings), plan.settings.cache_ports)


def _model(plan: Plan) -> Manifest | None:
    if plan.endpoint is None:
        return None
    if plan.model_host is not None:
        return _to_host(plan, *plan.model_host)
    peer = {"podSelector": {"matchLabels": {names.LABEL_MODEL: plan.endpoint.name}}}
    return _rule("to", [peer], [names.MODEL_PORT])


def _judge(plan: Plan) -> Manifest | None:
    if plan.judge is None:
        return None
    if plan.judge_host is not None:
        return _to_host(plan, *plan.judge_host)
    return _rule("to", [{"podSelector": {"matchLabels": {names.LABEL_MODEL: plan.judge.name}}}], [names.MODEL_PORT])


def _vectors(plan: Plan) -> Manifest | None:
    if plan.weaviate is None:
        return None
    if plan.weaviate_host is None:
        return _rule("to", [_pods(plan, names.COMPONENT_WEAVIATE)], [WEAVIATE_HTTP_PORT, names.WEAVIATE_GRPC_PORT])
    host, port = plan.weaviate_host
    rule = _to_host(plan, host, port)
    if "ports" in rule:
        rule["ports"] = _ports(sorted({port, plan.weaviate.grpc_port}))
    return rule


def _to_host(plan: Plan, host: str, port: int) -> Manifest:
    """A Service's port says nothing about its pods' port, so that inside the cluster the namespace has to do."""
    if "." not in host and ":" not in host:
        return {"to": [{"podSelector": {}}]}
    found = _IN_CLUSTER.fullmatch(host)
    if found:
        return {"to": [_namespaces({NAMESPACE_NAME: found["namespace"]})]}
    return _rule("to", _anywhere(plan.settings), [port])


def _anywhere(settings: Settings) -> list[Manifest]:
    """Every address but those of the API server."""
    blocks: list[tuple[str, str]] = [("0.0.0.0/0", "."), ("::/0", ":")]
    return [
        {"ipBlock": {"cidr": everything, "except": [each for each in settings.api_server_cidrs if mark in each]}}
        for everything, mark in blocks
    ]


# Parts of a policy


def policy(
    plan: Plan,
    name: str,
    role: str,
    select: Manifest,
    *,
    ingress: Sequence[Manifest] = (),
    egress: Sequence[Manifest] = (),
) -> Manifest:
    """Both directions are always governed: what is not listed is refused."""
    meta = metadata(name, plan.namespace, of=labels(plan.name, role), owned_by=plan.snapshot.raw)
    return network_policy(meta, select, ingress=ingress, egress=egress)


def network_policy(
    meta: Manifest, select: Manifest, *, ingress: Sequence[Manifest] = (), egress: Sequence[Manifest] = ()
) -> Manifest:
    spec = {
        "podSelector": select,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": list(ingress),
        "egress": list(egress),
    }
    return compact({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})


def _rule(direction: str, peers: Sequence[Manifest], ports: Sequence[int]) -> Manifest:
    """direction: from or to. Without peers from and to everywhere."""
    found: dict[str, Any] = {"ports": _ports(ports)}
    return {direction: list(peers), **found} if peers else found


def _ports(ports: Sequence[int]) -> list[Manifest]:
    return [{"port": port, "protocol": "TCP"} for port in ports]


def _select(plan: Plan, role: str) -> Manifest:
    return {"matchLabels": selector(plan.name, role)}


def _pods(plan: Plan, role: str) -> Manifest:
    return {"podSelector": _select(plan, role)}


def _all_pods(plan: Plan) -> Manifest:
    return {"podSelector": {"matchLabels": {names.LABEL_AGENT: plan.name}}}


def _namespaces(wanted: Mapping[str, str]) -> Manifest:
    return {"namespaceSelector": {"matchLabels": dict(wanted)}}
