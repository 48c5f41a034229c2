"""What the operator renders, on a real API server: taken as it is, stored as it was sent, its pods "restricted"."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from manifests.conftest import DEFINITIONS, wait_served
from support.kubernetes.control_plane import ControlPlane, missing_binaries
from support.operator.samples import ALL_APIS, SETTINGS, by_name, endpoint_snapshot, snapshot
from supportplane_operator.drift import has_leftovers, is_within
from supportplane_operator.render import render, render_endpoint
from supportplane_operator.render.plan import Plan
from supportplane_operator.resources import BY_KIND
from supportplane_operator.snapshot import Manifest

pytestmark = pytest.mark.slow
if missing := missing_binaries():
    pytest.skip(missing, allow_module_level=True)

NAMESPACE = "rendered"
MANAGED: Manifest = {
    "persistence": {
        "database": {"secretRef": None, "cloudNativePG": {"storageClassName": "fast"}},
        "cache": {"secretRef": None, "managed": {}},
        "vectorStore": {"weaviate": {"managed": {"storageSize": "1024Mi"}}},
    },
    "scaling": {"autoscaling": {"provider": "KEDA", "maxReplicas": 9}},
    "gateway": {"parentRefs": [{"name": "public", "namespace": "edge"}], "hostnames": ["help.example.com"]},
}
OWN: Manifest = {
    "scaling": {"autoscaling": {"maxReplicas": 9, "targets": [{"metric": "CPUUtilization", "value": 60}]}},
    "gateway": {
        "ingress": {"className": "nginx", "tlsSecretRef": {"name": "tls"}, "clusterIssuer": "letsencrypt"},
        "hostnames": ["help.example.com"],
        "auth": {"apiKeysSecretRef": {"name": "keys"}},
    },
    "networkPolicy": {"ingressFrom": [{"name": "shop", "namespaceLabels": {"team": "shop"}}]},
    "workloads": {
        "gateway": {
            "resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": "1000m"}},
            "tolerations": [{"key": "agents", "operator": "Exists"}],
            "topologySpread": "Zone",
        }
    },
}
CREDENTIALS: Manifest = {"url": "https://m.example/v1", "model": "m", "credentialsSecretRef": {"name": "token"}}
SERVED: Manifest = {
    "serving": {
        "engine": "TGI",
        "image": "ghcr.io/x/tgi:3",
        "model": "a/b",
        "gpu": {"count": 1},
        "hubTokenSecretRef": {"name": "hub"},
    }
}


def everything() -> Iterator[Manifest]:
    for spec, endpoint in ((MANAGED, SERVED), (OWN, CREDENTIALS)):
        found = snapshot(spec, endpoint=endpoint, apis=ALL_APIS)
        yield from render(Plan(replace(found, raw=placed(found.raw)), SETTINGS))
    for endpoint in (SERVED, {"embedded": {}}):
        served = endpoint_snapshot(endpoint)
        yield from render_endpoint(replace(served, raw=placed(served.raw)), SETTINGS)


def placed(raw: Manifest) -> Manifest:
    return {**raw, "metadata": {**raw["metadata"], "namespace": NAMESPACE}}


def optional(manifest: Manifest) -> bool:
    return BY_KIND[manifest["kind"]].is_optional


@pytest.fixture(scope="module")
def restricted(api_server: ControlPlane) -> ControlPlane:
    """With a namespace that refuses other pods, and an account for pods that name none."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api_server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
    api_server.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": "default"}})
    return api_server


@pytest.fixture(scope="module")
def with_optional(restricted: ControlPlane, shared_data: Path) -> ControlPlane:
    """With the definitions of the kinds that a cluster may lack."""
    wanted = {f"{each.plural}.{each.group}": each for each in BY_KIND.values() if each.is_optional}
    for path in (shared_data / "contracts/crds").rglob("*.yaml"):
        definition = YAML(typ="safe", pure=True).load(path.read_text())
        if definition["metadata"]["name"] in wanted:
            reply = restricted.ask("POST", DEFINITIONS, definition)
            assert reply.status in {201, 409}, reply.message
    wait_served(restricted, [f"/apis/{each.api_version}/{each.plural}" for each in wanted.values()])
    return restricted


def path_of(manifest: Manifest) -> str:
    resource = BY_KIND[manifest["kind"]]
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    return f"{root}/namespaces/{NAMESPACE}/{resource.plural}/{manifest['metadata']['name']}"


def applied(plane: ControlPlane, manifest: Manifest, *, anew: bool = True) -> Manifest:
    """The stored object, read again. anew: whatever was there of the name is deleted first."""
    path = path_of(manifest)
    if anew:
        plane.ask("DELETE", path)
    query = "?fieldManager=supportplane-operator&force=true&fieldValidation=Strict"
    reply = plane.ask("PATCH", path + query, manifest)
    assert reply.status in {200, 201}, f"{manifest['kind']}: {reply.message}"
    stored: Manifest = plane.ask("GET", path).body
    return stored


def named(manifest: Manifest) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


PLAIN = [pytest.param(each, id=named(each)) for each in everything() if not optional(each)]
OPTIONAL = [pytest.param(each, id=named(each)) for each in everything() if optional(each)]
PODS = [
    pytest.param(each["spec"]["template"], id=named(each))
    for each in everything()
    if each["kind"] in {"Deployment", "StatefulSet", "Job"}
]


@pytest.mark.parametrize("manifest", PLAIN)
def test_an_object_is_stored_as_it_was_rendered(restricted: ControlPlane, manifest: Manifest) -> None:
    stored = applied(restricted, manifest)
    assert is_within(manifest, stored)
    assert not has_leftovers(manifest, stored)


@pytest.mark.parametrize("manifest", OPTIONAL)
def test_an_optional_object_is_stored_as_it_was_rendered(with_optional: ControlPlane, manifest: Manifest) -> None:
    stored = applied(with_optional, manifest)
    assert is_within(manifest, stored)
    assert not has_leftovers(manifest, stored)


@pytest.mark.parametrize("template", PODS)
def test_a_pod_is_admitted_where_only_restricted_ones_are(restricted: ControlPlane, template: Manifest) -> None:
    for each in everything():
        if each["kind"] == "ServiceAccount":
            restricted.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", each)
    spec = {**template["spec"]}
    if spec["containers"][0]["name"] == "weaviate":  # the StatefulSet's controller adds the volume of its claim
        spec["volumes"] = [*spec["volumes"], {"name": "data", "emptyDir": {}}]
    pod = {"metadata": {"name": "probe", "labels": template["metadata"]["labels"]}, "spec": spec}
    reply = restricted.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All&fieldValidation=Strict", pod)
    assert reply.status == 201, reply.message


def gateway(spec: Manifest, live: Manifest | None = None) -> Manifest:
    found = snapshot(spec)
    children = {("Deployment", "helpdesk-gateway"): live} if live else {}
    manifests = render(Plan(replace(found, raw=placed(found.raw), children=children), SETTINGS))
    return by_name(manifests, "Deployment")["helpdesk-gateway"]


def test_pods_stay_as_many_as_they_are_while_an_autoscaler_takes_over(restricted: ControlPlane) -> None:
    scaled: Manifest = {"scaling": {"autoscaling": {"maxReplicas": 9}}}
    fixed = applied(restricted, gateway({"scaling": {"replicas": 5}}))
    kept = applied(restricted, gateway(scaled, fixed), anew=False)
    assert kept["spec"]["replicas"] == 5
    scale = path_of(kept) + "/scale?fieldManager=kube-controller-manager"
    assert restricted.ask("PATCH", scale, {"spec": {"replicas": 7}}, patch="merge").status == 200
    live = restricted.ask("GET", path_of(kept)).body
    assert "replicas" not in gateway(scaled, live)["spec"]
    assert applied(restricted, gateway(scaled, live), anew=False)["spec"]["replicas"] == 7
