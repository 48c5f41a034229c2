from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from support.operator.samples import (
    ALL_APIS,
    SAMPLES,
    SETTINGS,
    applied,
    by_name,
    endpoint_snapshot,
    of_file,
    ready,
    snapshot,
)
from supportplane_crds import parse_agent_file
from supportplane_crds.roles import ROLES
from supportplane_operator.render import render, render_endpoint
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.quantity import canonical
from supportplane_operator.snapshot import Manifest, Snapshot

MANAGED = {
    "persistence": {
        "database": {"secretRef": None, "cloudNativePG": {}},
        "cache": {"secretRef": None, "managed": {}},
        "vectorStore": {"weaviate": {"managed": {}}},
    },
}
ROUTED = {"gateway": {"parentRefs": [{"name": "public"}], "hostnames": ["help.example.com"]}}
SERVED = {"serving": {"engine": "TGI", "image": "ghcr.io/x/tgi:3", "model": "a/b", "gpu": {"count": 1}}}


def cluster_sample() -> Snapshot:
    path = SAMPLES / "managed.yaml"
    return of_file(parse_agent_file(path.read_text(), path))


SNAPSHOTS = {
    "usual": snapshot(),
    "managed": snapshot(MANAGED, apis=ALL_APIS),
    "routed": snapshot(ROUTED, apis=ALL_APIS),
    "served": snapshot(endpoint=SERVED, apis=ALL_APIS),
    "keys": snapshot({"gateway": {"auth": {"apiKeysSecretRef": {"name": "keys"}}}}),
    "handoff": snapshot({"mode": "HandoffOnly"}),
    "sample": cluster_sample(),
}
ENDPOINTS = {
    "embedded": endpoint_snapshot({"embedded": {}}),
    "served": endpoint_snapshot(SERVED),
}


def everything() -> Iterator[tuple[str, Manifest]]:
    for name, found in SNAPSHOTS.items():
        yield from ((name, each) for each in render(Plan(found, SETTINGS)))
    for name, endpoint in ENDPOINTS.items():
        yield from ((name, each) for each in render_endpoint(endpoint, SETTINGS))


MANIFESTS = [pytest.param(each, id=f"{name}-{each['kind']}-{each['metadata']['name']}") for name, each in everything()]
PODS = [
    pytest.param(each["spec"]["template"]["spec"], id=f"{name}-{each['kind']}-{each['metadata']['name']}")
    for name, each in everything()
    if each["kind"] in {"Deployment", "StatefulSet", "Job"}
]


@pytest.mark.parametrize("pod", PODS)
def test_every_pod_is_restricted(pod: Manifest) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    allowed = {"configMap", "secret", "emptyDir", "persistentVolumeClaim", "ephemeral"}
    assert all(set(each) - {"name"} <= allowed for each in pod.get("volumes", []))


@pytest.mark.parametrize("pod", PODS)
def test_every_container_is_restricted_has_a_read_only_root_and_limits(pod: Manifest) -> None:
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        assert "resources" in container


def values(found: Any) -> Iterator[Any]:
    yield found
    if isinstance(found, dict):
        for each in found.values():
            yield from values(each)
    if isinstance(found, list):
        for each in found:
            yield from values(each)


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_a_manifest_holds_nothing_that_the_api_server_would_not_store(manifest: Manifest) -> None:
    found = list(values(manifest))
    assert None not in found
    assert [] not in found
    assert not any(isinstance(each, tuple) for each in found)
    resources = [each["resources"] for each in found if isinstance(each, dict) and "resources" in each]
    amounts = [
        amount for each in resources if isinstance(each, dict) for part in each.values() for amount in part.values()
    ]
    assert amounts == [canonical(each) for each in amounts]


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_a_manifest_bears_our_labels_and_its_owner(manifest: Manifest) -> None:
    metadata = manifest["metadata"]
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "supportplane-operator"
    assert metadata["namespace"] == "acme"
    kept = manifest["kind"] in {"Cluster", "StatefulSet"} and metadata["name"].startswith("helpdesk")
    owners = [(each["controller"], each["blockOwnerDeletion"]) for each in metadata.get("ownerReferences", [])]
    assert owners == ([] if kept else [(True, True)])


@pytest.mark.parametrize("found", SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_no_object_is_rendered_twice_and_the_second_time_is_like_the_first(found: Snapshot) -> None:
    manifests = render(Plan(found, SETTINGS))
    keys = [(each["kind"], each["metadata"]["name"]) for each in manifests]
    assert len(keys) == len(set(keys))
    assert render(Plan(found, SETTINGS)) == manifests


def test_what_was_applied_is_rendered_again_as_it_is() -> None:
    first = snapshot(apis=ALL_APIS)
    assert render(Plan(applied(first), SETTINGS)) == render(Plan(first, SETTINGS))


@pytest.mark.parametrize("name", ["managed", "routed", "sample"])
def test_without_an_optional_api_its_kind_is_left_out_and_the_rest_stays(name: str) -> None:
    found = SNAPSHOTS[name]
    optional = {api.rpartition("/")[2] for api in ALL_APIS}
    plain = render(Plan(replace(found, capabilities=frozenset()), SETTINGS))
    assert list(plain) == [each for each in render(Plan(found, SETTINGS)) if each["kind"] not in optional]
    assert {each["kind"] for each in plain} & optional == set()


def test_data_goes_with_the_agent_only_where_that_is_asked_for() -> None:
    found = snapshot({"persistence": {**MANAGED["persistence"], "deletionPolicy": "Delete"}}, apis=ALL_APIS)
    gone = render(Plan(found, SETTINGS))
    (cluster,) = by_name(gone, "Cluster").values()
    (store,) = by_name(gone, "StatefulSet").values()
    assert "ownerReferences" in cluster["metadata"]
    assert "ownerReferences" in store["metadata"]
    assert store["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete"
    kept = by_name(render(Plan(SNAPSHOTS["managed"], SETTINGS)), "StatefulSet")["helpdesk-weaviate"]
    assert kept["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain"


@pytest.mark.parametrize("provider", ["HPA", "KEDA"])
def test_the_number_of_pods_is_never_sent_while_an_autoscaler_owns_it(provider: str) -> None:
    scaling = {"scaling": {"autoscaling": {"provider": provider, "maxReplicas": 9}}}
    deployments = by_name(render(Plan(snapshot(scaling, apis=ALL_APIS), SETTINGS)), "Deployment")
    assert len(deployments) == len(ROLES)
    assert all("replicas" not in each["spec"] for each in deployments.values())


@pytest.mark.parametrize(
    ("managers", "sent"),
    [(["supportplane-operator"], 5), (["supportplane-operator", "kube-controller-manager"], None), ([], None)],
)
def test_a_fixed_number_is_let_go_only_when_the_autoscaler_has_taken_it(managers: list[str], sent: int | None) -> None:
    fixed = applied(snapshot({"scaling": {"replicas": 5}}))
    key = ("Deployment", "helpdesk-gateway")
    fields = [{"manager": each, "fieldsV1": {"f:spec": {"f:replicas": {}}}} for each in managers]
    metadata = {**fixed.children[key]["metadata"], "managedFields": fields}
    children = {**fixed.children, key: {**fixed.children[key], "metadata": metadata}}
    scaled = replace(snapshot({"scaling": {"autoscaling": {"maxReplicas": 9}}}), children=children)
    assert by_name(render(Plan(scaled, SETTINGS)), "Deployment")["helpdesk-gateway"]["spec"].get("replicas") == sent


def test_without_keda_the_fewest_pods_that_it_would_have_run_are_fixed() -> None:
    scaling = {"scaling": {"autoscaling": {"provider": "KEDA", "minReplicas": 3, "maxReplicas": 9}}}
    deployments = by_name(render(Plan(snapshot(scaling), SETTINGS)), "Deployment")
    assert {each["spec"]["replicas"] for each in deployments.values()} == {3}


@pytest.mark.parametrize("missing", [{"endpoint": None}, {"bases": ()}])
def test_a_dangling_reference_leaves_what_runs_as_it_is(missing: dict[str, Any]) -> None:
    serving = applied(snapshot(), status={"helpdesk-gateway": ready()})
    kept = render(Plan(replace(serving, **missing), SETTINGS))
    assert {(each["kind"], each["metadata"]["name"]) for each in kept} == set(serving.children)
    assert all("status" not in each and "managedFields" not in each["metadata"] for each in kept)
    assert render(Plan(replace(snapshot(), **missing), SETTINGS)) == ()


def test_an_agent_that_answers_nothing_needs_neither_model_nor_documents() -> None:
    bare = replace(snapshot({"mode": "HandoffOnly"}), endpoint=None, bases=())
    manifests = render(Plan(bare, SETTINGS))
    assert len(by_name(manifests, "Deployment")) == len(ROLES)
    (config,) = (each for name, each in by_name(manifests, "ConfigMap").items() if "-config-" in name)
    file = parse_agent_file(config["data"]["agent.yaml"], SAMPLES / "agent.yaml")
    assert file.agent.spec.template.knowledge == ()


def test_an_agent_without_a_database_is_not_rendered() -> None:
    assert render(Plan(snapshot({"persistence": {"database": None}}), SETTINGS)) == ()


def test_migration_comes_before_what_needs_it() -> None:
    kinds = [each["metadata"]["name"] for each in render(Plan(snapshot(), SETTINGS))]
    order = [next(index for index, name in enumerate(kinds) if mark in name) for mark in ("-config-", "-migrate-")]
    assert order == sorted(order)
    assert order[1] < min(index for index, name in enumerate(kinds) if name.startswith("helpdesk-orchestrator-"))
