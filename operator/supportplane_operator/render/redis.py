"""A Redis of one pod for an agent: rate limits and caches, which may be lost at any time."""

from supportplane_crds import names
from supportplane_operator.render.meta import compact, labels, metadata, selector
from supportplane_operator.render.network_policy import REDIS_PORT
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.pod import container_security, default_resources, mount, pull_secrets, restricted
from supportplane_operator.snapshot import Manifest

_ROLE = names.COMPONENT_CACHE
_PORT_NAME = "redis"
# Nothing on disk, and the least recently used goes first: 192 of the 256 MiB that the pod gets.
_COMMAND = (
    "redis-server",
    "--save",
    "",
    "--appendonly",
    "no",
    "--maxmemory",
    "192mb",
    "--maxmemory-policy",
    "allkeys-lru",
)


def deployment(plan: Plan) -> Manifest | None:
    if not plan.has_managed_cache:
        return None
    of, select = labels(plan.name, _ROLE), selector(plan.name, _ROLE)
    pod = restricted(
        [_container(plan)], volumes=[{"name": "data", "emptyDir": {}}], imagePullSecrets=pull_secrets(plan.pull_secrets)
    )
    spec = {
        "replicas": 1,
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": select},
        "strategy": {"type": "Recreate"},  # two at a time would count apart
        "template": {"metadata": {"labels": of}, "spec": pod},
    }
    meta = metadata(names.cache(plan.name), plan.namespace, of=of, owned_by=plan.snapshot.raw)
    return compact({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})


def service(plan: Plan) -> Manifest | None:
    if not plan.has_managed_cache:
        return None
    meta = metadata(names.cache(plan.name), plan.namespace, of=labels(plan.name, _ROLE), owned_by=plan.snapshot.raw)
    port = {"name": _PORT_NAME, "port": REDIS_PORT, "protocol": "TCP", "targetPort": _PORT_NAME}
    spec = {"type": "ClusterIP", "selector": selector(plan.name, _ROLE), "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def _container(plan: Plan) -> Manifest:
    check = {"tcpSocket": {"port": _PORT_NAME}, "periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 3}
    return {
        "name": "redis",
        "image": plan.redis_image,
        "imagePullPolicy": plan.settings.image_pull_policy,
        "command": list(_COMMAND),
        "ports": [{"name": _PORT_NAME, "containerPort": REDIS_PORT, "protocol": "TCP"}],
        "livenessProbe": check,
        "readinessProbe": check,
        "resources": default_resources(_ROLE),
        "securityContext": container_security(),
        "volumeMounts": [mount("data", "/data")],
    }
