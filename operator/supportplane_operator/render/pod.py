"""What is the same in every pod: Pod Security "restricted", placement, and the runtime's volumes and environment."""

import json
from collections.abc import Sequence
from typing import Any

from supportplane_crds import names
from supportplane_crds.roles import BY_NAME, ROLES, Role
from supportplane_crds.workloads import TopologySpread, Workload
from supportplane_operator.render.config import model_name
from supportplane_operator.render.meta import selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.quantity import resources
from supportplane_operator.snapshot import Manifest

READABLE_BY_GROUP = 0o440  # Secrets reach the process through fsGroup, and nobody else
GRACE_S = 45  # the runtime drains for up to 20 s after SIGTERM, and the endpoints need some to forget the pod

_SPREAD_KEYS = {TopologySpread.ZONE: "topology.kubernetes.io/zone", TopologySpread.NODE: "kubernetes.io/hostname"}
# Guesses with room: the knowledge job holds the embedding model.
_DEFAULT_RESOURCES = {
    **{each.name: dict(each.resources) for each in ROLES},
    names.ROLE_KNOWLEDGE: {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
    names.ROLE_MIGRATE: {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    names.ROLE_MODEL: {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    names.COMPONENT_CACHE: {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
    names.COMPONENT_WEAVIATE: {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
}


def pod_security() -> Manifest:
    return {
        "runAsNonRoot": True,
        "runAsUser": names.RUNTIME_UID,
        "runAsGroup": names.RUNTIME_UID,
        "fsGroup": names.RUNTIME_UID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Manifest:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def resources_of(workload: Workload, role: str) -> Manifest:
    """What was asked for, else the role's default."""
    asked = workload.resources.dump() if workload.resources else {}
    return resources(asked) or default_resources(role)


def default_resources(role: str) -> Manifest:
    return resources(_DEFAULT_RESOURCES[role])


def pull_secrets(secrets: Sequence[str]) -> list[Manifest]:
    return [{"name": each} for each in secrets]


def tolerations(wanted: Sequence[Any]) -> list[Manifest]:
    return [each.dump() for each in wanted]


def spread(workload: Workload, plan: Plan, role: str) -> list[Manifest]:
    """Evenly where that can be had: a small cluster still gets all its pods."""
    key = _SPREAD_KEYS.get(workload.topology_spread)
    if key is None:
        return []
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(plan.name, role)},
        }
    ]


def placement(workload: Workload, plan: Plan, role: str) -> Manifest:
    return {
        "nodeSelector": dict(workload.node_selector) or None,
        "tolerations": tolerations(workload.tolerations),
        "topologySpreadConstraints": spread(workload, plan, role),
        "imagePullSecrets": pull_secrets(plan.pull_secrets),
    }


def restricted(containers: list[Manifest], **more: Any) -> Manifest:
    """A pod's specification. more: fields beside those that every pod has."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        "containers": containers,
        **more,
    }


def container(plan: Plan, role: str, *, resource_role: str | None = None) -> Manifest:
    """The runtime in one of its roles, without ports and probes."""
    workload_role = resource_role or role
    workload = plan.workload(workload_role) if workload_role != names.ROLE_MIGRATE else Workload()
    return {
        "name": role,
        "image": plan.runtime_image,
        "imagePullPolicy": plan.settings.image_pull_policy,
        "command": [*names.RUNTIME_COMMAND, role],
        "env": environment(plan, role),
        "resources": resources_of(workload, workload_role),
        "securityContext": container_security(),
        "volumeMounts": mounts(plan, role),
    }


def serving_container(plan: Plan, role: Role) -> Manifest:
    """A container that takes requests, with its ports and probes.

    Probes have a port of their own, where no customer takes their place (ADR 0024).
    """
    health = names.HEALTH_PORT_NAME
    return {
        **container(plan, role.name),
        "ports": [
            {"name": names.PORT_NAME, "containerPort": role.port, "protocol": "TCP"},
            {"name": health, "containerPort": names.HEALTH_PORT, "protocol": "TCP"},
        ],
        # Half a minute to start: the embedding model loads in seconds, and migrations are waited for by /readyz, as is
        # the first index.
        "startupProbe": probe("/livez", period_s=2, failures=30, port=health),
        # A minute without a word is a process that hangs; one under load answers late.
        "livenessProbe": probe("/livez", period_s=10, failures=6, port=health),
        "readinessProbe": probe("/readyz", period_s=5, failures=2, port=health),
    }


def probe(path: str, *, period_s: int, failures: int, port: str = names.PORT_NAME) -> Manifest:
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period_s,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


# Environment


def variable(name: str, value: str) -> Manifest:
    """Just as it is: the kubelet would put another variable, such as the database's URL, in the place of $(NAME)."""
    return {"name": f"{names.ENV_PREFIX}{name}", "value": value.replace("$(", "$$(")}


def secret_variable(name: str, secret: str, key: str) -> Manifest:
    return {"name": f"{names.ENV_PREFIX}{name}", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def environment(plan: Plan, role: str) -> list[Manifest]:
    """What the runtime's settings read, in a fixed order."""
    return [
        variable("AGENT_FILE", names.AGENT_FILE),
        variable("DATA_DIR", names.DATA_DIR),
        variable("SECRETS_DIR", names.SECRETS_DIR),
        variable("REVISION", plan.revision),
        *_stores(plan),
        *_model(plan),
        *_weaviate(plan),
        *_http(plan, role),
    ]


def _stores(plan: Plan) -> list[Manifest]:
    found = []
    if plan.database_secret:
        found.append(secret_variable("DATABASE_URL", plan.database_secret, names.KEY_DATABASE_URI))
    if plan.cache_secret:
        found.append(secret_variable("REDIS_URL", plan.cache_secret, names.KEY_CACHE_URI))
    elif plan.has_managed_cache:
        host = names.service_host(names.cache(plan.name), plan.namespace)
        found.append(variable("REDIS_URL", f"redis://{host}:6379/0"))
    return found


def _model(plan: Plan) -> list[Manifest]:
    if plan.endpoint is None or plan.model_url is None:
        return []
    return [variable("MODEL_URL", plan.model_url), variable("MODEL_NAME", model_name(plan.endpoint))]


def _weaviate(plan: Plan) -> list[Manifest]:
    weaviate = plan.weaviate
    if weaviate is None:
        return []
    own = f"http://{names.service_host(names.weaviate(plan.name), plan.namespace)}:{WEAVIATE_HTTP_PORT}"
    found = [
        variable("WEAVIATE_URL", weaviate.url or own),
        variable("WEAVIATE_GRPC_PORT", str(weaviate.grpc_port)),
    ]
    if weaviate.api_key_secret_ref:
        reference = weaviate.api_key_secret_ref
        found.append(secret_variable("WEAVIATE_API_KEY", reference.name, reference.key))
    return found


WEAVIATE_HTTP_PORT = 8080


def _http(plan: Plan, role: str) -> list[Manifest]:
    """Nothing for a Job, which takes no requests."""
    serving = BY_NAME.get(role)
    if serving is None:
        return []
    hosts = service_hosts(serving.object_name(plan.name), plan.namespace)
    own = _of_gateway(plan) if role == names.ROLE_GATEWAY else []
    listening = _listening(serving.port, [*hosts, *(plan.hostnames if serving.is_public else ())])
    return [*listening, *_asked(plan, serving), *own]


def _asked(plan: Plan, role: Role) -> list[Manifest]:
    """Where the roles are that this one asks."""
    asked = [each for each in ROLES if role.name in each.asked_by and each.address_variable]
    return [
        variable(each.address_variable, f"http://{names.service_host(each.object_name(plan.name), plan.namespace)}")
        for each in asked
    ]


def _of_gateway(plan: Plan) -> list[Manifest]:
    found = [variable("GATEWAYS_FILE", names.GATEWAYS_FILE)]
    if plan.snapshot.agent.spec.gateway.auth.api_keys_secret_ref:
        found.append(variable("API_KEYS_DIR", names.API_KEYS_DIR))
    if plan.settings.status_jwks:
        found.append(variable("OPERATOR_JWKS_FILE", names.OPERATOR_JWKS_FILE))
        found.append(variable("STATUS_AUDIENCE", names.status_audience(plan.namespace, plan.name)))
    return found


def _listening(port: int, hosts: Sequence[str]) -> list[Manifest]:
    return [
        variable("HTTP_HOST", "0.0.0.0"),
        variable("HTTP_PORT", str(port)),
        variable("HEALTH_PORT", str(names.HEALTH_PORT)),
        variable("ALLOWED_HOSTS", json.dumps(list(hosts))),
    ]


def service_hosts(service: str, namespace: str) -> list[str]:
    """Every name that a Service is called by inside the cluster; a forwarded port comes in as localhost."""
    full = names.service_host(service, namespace)
    return [service, f"{service}.{namespace}", full, f"{full}.cluster.local", "localhost", "127.0.0.1"]


# Volumes


def mount(name: str, path: str, **more: Any) -> Manifest:
    return {"name": name, "mountPath": path, **more}


def mounts(plan: Plan, role: str) -> list[Manifest]:
    found = [
        mount("config", names.CONFIG_DIR, readOnly=True),
        mount("data", names.DATA_DIR),
        mount("tmp", "/tmp"),  # noqa: S108 -- a volume of the pod's own
    ]
    found += [mount(volume, f"{names.SECRETS_DIR}/{each.name}", readOnly=True) for volume, each in _credentials(plan)]
    if role == names.ROLE_GATEWAY and plan.snapshot.agent.spec.gateway.auth.api_keys_secret_ref:
        found.append(mount("api-keys", names.API_KEYS_DIR, readOnly=True))
    return found


def volumes(plan: Plan, role: str) -> list[Manifest]:
    found: list[Manifest] = [
        {"name": "config", "configMap": {"name": names.config(plan.name, plan.revision)}},
        {"name": "data", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
    ]
    for volume, each in _credentials(plan):
        found.append(_secret_volume(volume, each.name, [{"key": key, "path": key} for key in _keys(plan, each.name)]))
    keys = plan.snapshot.agent.spec.gateway.auth.api_keys_secret_ref
    if role == names.ROLE_GATEWAY and keys:
        found.append(_secret_volume("api-keys", keys.name, None))
    return found


def _credentials(plan: Plan) -> list[tuple[str, Any]]:
    """The secrets of the models, each with the name of its volume: two models may share one."""
    found = {
        each.spec.credentials_secret_ref.name: (volume, each.spec.credentials_secret_ref)
        for volume, each in (("judge-credentials", plan.judge), ("model-credentials", plan.endpoint))
        if each is not None and each.spec.credentials_secret_ref
    }
    return sorted(found.values(), key=lambda known: known[0], reverse=True)


def _keys(plan: Plan, secret: str) -> list[str]:
    """Of a secret, those that the models name."""
    named = [each.spec.credentials_secret_ref for each in (plan.endpoint, plan.judge) if each is not None]
    return sorted({each.key for each in named if each is not None and each.name == secret})


def _secret_volume(name: str, secret: str, items: list[Manifest] | None) -> Manifest:
    source = {"secretName": secret, "defaultMode": READABLE_BY_GROUP}
    return {"name": name, "secret": {**source, "items": items} if items else source}
