"""The kustomize base: the chart's default output without Helm, taken by a real API server."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from ruamel.yaml import YAML

from manifests.packaging.commands import (
    CHART,
    NAMESPACE,
    Commands,
    Manifest,
    documented_commands,
    key,
    manifests,
    only,
)

REPOSITORY = CHART.parents[1]
BASE = "operator/kustomize"


def built(tools: Commands) -> list[Manifest]:
    return manifests(tools.kustomize("build", BASE))


def without_helm(manifest: Manifest) -> Manifest:
    """What Helm adds to an object, and the key that only the chart can make."""
    template = manifest.get("spec", {}).get("template", {}).get("metadata", {})
    for metadata in (manifest["metadata"], template):
        labels: dict[str, Any] = metadata.get("labels", {})
        labels.pop("helm.sh/chart", None)
        labels.pop("app.kubernetes.io/managed-by", None)
        metadata.get("annotations", {}).pop("helm.sh/resource-policy", None)
        metadata.get("annotations", {}).pop("checksum/signing-key", None)
        if not metadata.get("annotations", True):
            del metadata["annotations"]
    return manifest


def test_base_and_chart_make_the_same_objects(tools: Commands) -> None:
    from_chart = {key(one): without_helm(one) for one in tools.rendered() if one["kind"] != "Secret"}
    from_base = {key(one): one for one in built(tools) if one["kind"] != "Namespace"}
    assert from_base == from_chart


def test_the_namespace_enforces_pod_security(tools: Commands) -> None:
    labels = only(built(tools), "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_private_key_stands_in_the_base(tools: Commands) -> None:
    assert "Secret" not in {one["kind"] for one in built(tools)}
    mounted = only(built(tools), "Deployment")["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"]
    page = (REPOSITORY / "docs/how-to/install-on-kubernetes.md").read_text(encoding="utf-8")
    assert f"create secret generic {mounted} --from-file=signing-key.pem=/dev/stdin" in page


def test_every_file_and_every_crd_is_in_a_kustomization() -> None:
    for folder, pattern in ((BASE, "*.yaml"), ("crds", "*.supportplane.io.yaml")):
        listed = YAML(typ="safe", pure=True).load(REPOSITORY / folder / "kustomization.yaml")["resources"]
        files = {path.name for path in (REPOSITORY / folder).glob(pattern)} - {"kustomization.yaml"}
        assert files == set(listed) - {"../../crds"}


def test_kubectl_builds_the_same_as_kustomize(tools: Commands) -> None:
    assert manifests(tools.kubectl("kustomize", BASE)) == built(tools)


@pytest.mark.slow
def test_an_api_server_takes_every_object_of_the_base(cluster: Commands) -> None:
    text = cluster.kustomize("build", BASE)
    assert len(cluster.try_out(text)) == len(manifests(text))


@pytest.mark.slow
def test_the_documented_installation_leaves_a_deployment_and_its_key(cluster: Commands) -> None:
    script = documented_commands("docs/how-to/install-on-kubernetes.md")["Install the operator with kustomize"]
    made_before = f"kubectl create namespace {NAMESPACE}\n"
    assert made_before in script
    cluster.shell(script.replace(made_before, ""))
    try:
        assert cluster.kubectl("get", "deployments", "-n", NAMESPACE, "-o", "name") == (
            "deployment.apps/supportplane-operator\n"
        )
        path = "jsonpath={.data.signing-key\\.pem}"
        key_data = cluster.kubectl("get", "secret", "supportplane-operator-signing-key", "-n", NAMESPACE, "-o", path)
        assert isinstance(load_pem_private_key(base64.b64decode(key_data), None), Ed25519PrivateKey)
    finally:
        remove(cluster)


def remove(cluster: Commands) -> None:
    """All but the namespace, which would never end without its controller."""
    kept = [one for one in built(cluster) if one["kind"] != "Namespace"]
    everything = {"apiVersion": "v1", "kind": "List", "items": kept}
    cluster.kubectl("delete", "--ignore-not-found", "-f", "-", given=json.dumps(everything))
    cluster.kubectl("delete", "secret", "supportplane-operator-signing-key", "-n", NAMESPACE)
