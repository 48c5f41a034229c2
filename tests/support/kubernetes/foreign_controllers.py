"""What the controllers of optional APIs would report if they ran here: each function writes one object's status."""

from pathlib import Path
from typing import Any

from support.eventually import eventually
from support.kubernetes.agent_space import Space
from support.kubernetes.cluster import Cluster

CLUSTERS = "/apis/postgresql.cnpg.io/v1"
CERTIFICATES = "/apis/cert-manager.io/v1"
ROUTES = "/apis/gateway.networking.k8s.io/v1"
SCALED_OBJECTS = "/apis/keda.sh/v1alpha1"
MONITORS = "/apis/monitoring.coreos.com/v1"
NETWORKING = "/apis/networking.k8s.io/v1"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def install_definitions(cluster: Cluster, folder: Path) -> None:
    """folder: holds one CRD a file. They go as they are: the API server reads their YAML a hundred times faster."""
    for path in sorted(folder.glob("*.yaml")):
        reply = cluster.ask("POST", DEFINITIONS, path.read_bytes())
        assert reply.status == 201, f"{path.name}: {reply.message}"


def database_is_healthy(space: Space, name: str) -> None:
    told = {"phase": "Cluster in healthy state", "instances": 3, "readyInstances": 3}
    _report(space, space.path("clusters", name, CLUSTERS), told)


def certificate_is_issued(space: Space, name: str) -> None:
    _report(space, space.path("certificates", name, CERTIFICATES), {"conditions": [_condition("Ready", "True")]})


def ingress_has_an_address(space: Space, name: str) -> None:
    _report(space, space.path("ingresses", name, NETWORKING), {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}})


def scaler_is_ready(space: Space, name: str) -> None:
    _report(space, space.path("scaledobjects", name, SCALED_OBJECTS), {"conditions": [_condition("Ready", "True")]})


def route_is_answered(space: Space, name: str, accepted: str, reason: str, message: str = "") -> None:
    """accepted: True or False, as the Gateway's controller says of the route as it is now."""
    path = space.path("httproutes", name, ROUTES)
    route = eventually(lambda: space.cluster.read(path), f"{path} exists")
    seen = {"observedGeneration": route["metadata"]["generation"]}
    conditions = [
        {**_condition("Accepted", accepted, reason, message), **seen},
        {**_condition("ResolvedRefs", "True", "ResolvedRefs"), **seen},
    ]
    parents = [
        {"parentRef": reference, "controllerName": "example.com/gateway", "conditions": conditions}
        for reference in route["spec"]["parentRefs"]
    ]
    _report(space, path, {"parents": parents})


def make_volumes(cluster: Cluster, count: int) -> None:
    """For claims without a class, as somebody would who has no provisioner."""
    for number in range(count):
        spec = {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": f"/nowhere/{number}"},
        }
        cluster.create("/api/v1/persistentvolumes", {"metadata": {"name": f"volume-{number}"}, "spec": spec})


def _report(space: Space, path: str, status: dict[str, Any]) -> None:
    eventually(lambda: space.cluster.read(path), f"{path} exists")
    reply = space.cluster.ask("PATCH", f"{path}/status", {"status": status}, patch="merge")
    assert reply.status == 200, reply.message


def _condition(kind: str, status: str, reason: str = "Told", message: str = "") -> dict[str, Any]:
    moment = "2026-01-01T00:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": moment}
