"""A Weaviate of one pod for an agent, with a volume of its own."""

from supportplane_crds import names
from supportplane_crds.persistence import ManagedWeaviate
from supportplane_operator.render.meta import compact, labels, metadata, selector
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.pod import (
    WEAVIATE_HTTP_PORT,
    container_security,
    default_resources,
    mount,
    probe,
    pull_secrets,
    restricted,
)
from supportplane_operator.render.quantity import canonical
from supportplane_operator.snapshot import Manifest

_ROLE = names.COMPONENT_WEAVIATE
_DATA = "/var/lib/weaviate"
# Who may reach it is the NetworkPolicy's business; nothing of it is called from outside the agent.
_ENVIRONMENT = {
    "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
    "CLUSTER_HOSTNAME": "node1",
    "DEFAULT_VECTORIZER_MODULE": "none",
    "DISABLE_TELEMETRY": "true",
    "PERSISTENCE_DATA_PATH": _DATA,
    "RAFT_BOOTSTRAP_EXPECT": "1",
}


def stateful_set(plan: Plan) -> Manifest | None:
    wanted = plan.managed_weaviate
    if wanted is None:
        return None
    name, of = names.weaviate(plan.name), labels(plan.name, _ROLE)
    pod = restricted(
        [_container(plan)], volumes=[{"name": "tmp", "emptyDir": {}}], imagePullSecrets=pull_secrets(plan.pull_secrets)
    )
    when_gone = "Retain" if plan.keeps_data else "Delete"
    spec = {
        "replicas": 1,
        "serviceName": name,
        "selector": {"matchLabels": selector(plan.name, _ROLE)},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": when_gone, "whenScaled": "Retain"},
        "template": {"metadata": {"labels": of}, "spec": pod},
        "volumeClaimTemplates": [_claim(wanted)],
    }
    meta = metadata(name, plan.namespace, of=of, owned_by=None if plan.keeps_data else plan.snapshot.raw)
    return compact({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec})


def service(plan: Plan) -> Manifest | None:
    if plan.managed_weaviate is None:
        return None
    ports = [
        {"name": name, "port": port, "protocol": "TCP", "targetPort": name}
        for name, port in ((names.PORT_NAME, WEAVIATE_HTTP_PORT), ("grpc", names.WEAVIATE_GRPC_PORT))
    ]
    of = labels(plan.name, _ROLE)
    meta = metadata(names.weaviate(plan.name), plan.namespace, of=of, owned_by=plan.snapshot.raw)
    spec = {"type": "ClusterIP", "selector": selector(plan.name, _ROLE), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def _claim(wanted: ManagedWeaviate) -> Manifest:
    return {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": canonical(wanted.storage_size)}},
        },
    }


def _container(plan: Plan) -> Manifest:
    return {
        "name": "weaviate",
        "image": plan.weaviate_image,
        "imagePullPolicy": plan.settings.image_pull_policy,
        "args": ["--host", "0.0.0.0", "--port", str(WEAVIATE_HTTP_PORT), "--scheme", "http"],
        "env": [{"name": name, "value": value} for name, value in _ENVIRONMENT.items()],
        "ports": [
            {"name": names.PORT_NAME, "containerPort": WEAVIATE_HTTP_PORT, "protocol": "TCP"},
            {"name": "grpc", "containerPort": names.WEAVIATE_GRPC_PORT, "protocol": "TCP"},
        ],
        "startupProbe": probe("/v1/.well-known/ready", period_s=5, failures=60),  # a big index takes minutes to load
        "livenessProbe": probe("/v1/.well-known/live", period_s=10, failures=3),
        "readinessProbe": probe("/v1/.well-known/ready", period_s=5, failures=2),
        "resources": default_resources(_ROLE),
        "securityContext": container_security(),
        "volumeMounts": [mount("data", _DATA), mount("tmp", "/tmp")],  # noqa: S108 -- a volume of the pod's own
    }
