"""The CRDs on a real API server: admitted with every rule, defaults as in Python, every wrong object refused."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from manifests.wrong_objects import EDGES, WRONG_OBJECTS, WrongObject, full_sample
from support.eventually import eventually
from support.kubernetes.control_plane import START_DEADLINE_S, ControlPlane, Reply, missing_binaries
from support.repository import REPOSITORY
from supportplane_crds import Condition, ConditionType, Reason, SupportAgentStatus, parse_object
from supportplane_crds.load import KINDS, load_agent_file
from supportplane_crds.objects import API_VERSION
from supportplane_crds.status import ComponentStatus, ConditionStatus, KnowledgeStatus
from supportplane_crds.structural import custom_resource_definition

KUBECTL = str(Path(sys.executable).with_name("kubectl"))

pytestmark = pytest.mark.slow
if missing := missing_binaries():
    pytest.skip(missing, allow_module_level=True)


def create(plane: ControlPlane, manifest: dict[str, Any], *, dry_run: bool = True) -> Reply:
    """As kubectl does: unknown fields are an error."""
    kind = KINDS[manifest["kind"]]
    namespace, folder = ({"namespace": "acme"}, "namespaces/acme/") if kind.is_namespaced else ({}, "")
    query = "?fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
    placed = {**manifest, "metadata": {**manifest["metadata"], **namespace}}
    return plane.ask("POST", f"/apis/{API_VERSION}/{folder}{kind.plural}{query}", placed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_is_served_with_no_complaint_about_its_schema(api_server: ControlPlane, kind: str) -> None:
    name = custom_resource_definition(KINDS[kind])["metadata"]["name"]
    status = api_server.ask("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}").body["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert conditions["Established"] == conditions["NamesAccepted"] == "True"
    assert conditions.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize(
    "sample",
    [
        *(f"crds/samples/{name}.yaml" for name in ("minimal", "cluster", "managed", "full")),
        "environments/local/agent.yaml",
    ],
)
def test_what_is_stored_is_what_the_laptop_reads(api_server: ControlPlane, sample: str) -> None:
    agent_file = load_agent_file(REPOSITORY / sample)
    companions = (*agent_file.model_endpoints, *agent_file.knowledge_bases, *agent_file.classes)
    for item in (agent_file.agent, *companions):
        written = item.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
        stored = create(api_server, {**written, "apiVersion": API_VERSION, "kind": type(item).__name__})
        assert stored.status == 201, stored.message
        assert stored.body["spec"] == item.dump()["spec"]
        assert parse_object(stored.body).dump()["spec"] == item.dump()["spec"]


@pytest.mark.parametrize("wrong", WRONG_OBJECTS, ids=lambda wrong: wrong.title)
def test_a_wrong_object_is_refused_with_a_sentence(api_server: ControlPlane, wrong: WrongObject) -> None:
    reply = create(api_server, wrong.manifest())
    assert reply.status in {400, 422}, f"admitted: {reply.body}"
    assert wrong.server_says in reply.message
    assert "type conversion error" not in reply.message


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.title)
def test_a_value_at_the_edge_is_admitted(api_server: ControlPlane, edge: WrongObject) -> None:
    reply = create(api_server, edge.manifest())
    assert reply.status == 201, reply.message


MANAGED_WEAVIATE = {"vectorStore": {"weaviate": {"managed": {"storageSize": "1Gi"}}}}
SERVING = {"engine": "TGI", "image": "tgi:3", "model": "a/b", "cacheSize": "1Gi", "storageClassName": "fast"}
CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (
        "SupportAgent",
        {"persistence": MANAGED_WEAVIATE},
        {"persistence": {"vectorStore": {"weaviate": {"managed": {"storageSize": "2Gi"}}}}},
        "storageSize of a managed Weaviate cannot be changed",
    ),
    (
        "SupportAgent",
        {"persistence": {"database": {"cloudNativePG": {"storageSize": "2Gi"}}}},
        {"persistence": {"database": {"cloudNativePG": {"storageSize": "2047Mi"}}}},
        "storageSize can only grow",
    ),
    ("ModelEndpoint", {"serving": SERVING}, {"serving": {"cacheSize": "1023Mi"}}, "cacheSize can only grow"),
    (
        "ModelEndpoint",
        {"serving": SERVING},
        {"serving": {"storageClassName": None}},
        "storageClassName cannot be changed",
    ),
    ("ModelEndpoint", {"serving": SERVING}, {"serving": {"storageClassName": "slow"}}, "cannot be changed"),
]


@pytest.mark.parametrize(("kind", "before", "change", "says"), CHANGES)
def test_what_no_volume_can_follow_is_refused(
    api_server: ControlPlane, kind: str, before: dict[str, Any], change: dict[str, Any], says: str
) -> None:
    template = {"template": {"model": {"modelRef": {"name": "m"}}}} if kind == "SupportAgent" else {}
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "volume"}, "spec": {**template, **before}}
    assert create(api_server, manifest, dry_run=False).status == 201
    path = f"/apis/{API_VERSION}/namespaces/acme/{KINDS[kind].plural}/volume"
    try:
        refused = api_server.ask("PATCH", path, {"spec": change}, patch="merge")
        assert refused.status == 422
        assert says in refused.message
        same = api_server.ask("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, patch="merge")
        assert same.status == 200, same.message
    finally:
        api_server.ask("DELETE", path)


@pytest.fixture(scope="module")
def stored_agent(api_server: ControlPlane) -> str:
    """Path of the full sample's agent, with the status that the operator would give it."""
    agent = next(document for document in full_sample() if document["kind"] == "SupportAgent")
    assert create(api_server, agent, dry_run=False).status == 201
    path = f"/apis/{API_VERSION}/namespaces/acme/supportagents/retail-eu"
    ready = Condition(
        type=ConditionType.READY,
        status=ConditionStatus.TRUE,
        reason=Reason.SERVING,
        message="3 of 3 pods are ready",
        observed_generation=1,
        last_transition_time="2026-11-21T10:00:00Z",
    )
    status = SupportAgentStatus(
        observed_generation=1,
        conditions=(ready,),
        replicas=3,
        ready_replicas=3,
        selector="supportplane.io/agent=retail-eu",
        revision="7c9f3a1b20",
        update_revision="7c9f3a1b20",
        url="https://support.acme.example",
        knowledge=(KnowledgeStatus(name="handbook", documents=12, chunks=340),),
        components=(ComponentStatus(kind="Deployment", name="retail-eu-gateway", ready=True),),
    )
    patch = {"apiVersion": API_VERSION, "kind": "SupportAgent", "metadata": {"name": "retail-eu"}}
    reply = api_server.ask(
        "PATCH", f"{path}/status?fieldManager=test&fieldValidation=Strict", {**patch, "status": status.dump()}
    )
    assert reply.status == 200, reply.message
    assert reply.body["status"] == status.dump()
    return path


def test_a_list_says_whether_an_agent_serves_and_why_not(api_server: ControlPlane, stored_agent: str) -> None:
    table = api_server.ask(
        "GET", f"/apis/{API_VERSION}/supportagents", accept="application/json;as=Table;v=v1;g=meta.k8s.io"
    ).body
    shown = {column["name"]: column["priority"] for column in table["columnDefinitions"]}
    assert [name for name, priority in shown.items() if priority == 0] == [
        *("Name", "Ready", "Reason", "Mode", "Revision", "Pods", "Age"),
    ]
    assert [name for name, priority in shown.items() if priority == 1] == ["Model", "URL", "Degraded"]
    rows = {row["cells"][0]: dict(zip(shown, row["cells"], strict=True)) for row in table["rows"]}
    cells = rows["retail-eu"]
    assert (cells["Name"], cells["Ready"], cells["Reason"]) == ("retail-eu", "True", "Serving")
    assert (cells["Mode"], cells["Revision"], cells["Pods"]) == ("Auto", "7c9f3a1b20", 3)
    assert (cells["Model"], cells["URL"]) == ("own-server", "https://support.acme.example")


@pytest.fixture(scope="module")
def published(api_server: ControlPlane) -> ControlPlane:
    """With what it tells clients about our kinds, which it has ready some time after it serves them."""
    eventually(lambda: is_published(api_server), "our kinds are explained", deadline_s=START_DEADLINE_S)
    return api_server


def is_published(plane: ControlPlane) -> bool:
    listed = plane.ask("GET", f"/apis/{API_VERSION}").body.get("resources", ())
    schemas = plane.ask("GET", f"/openapi/v3/apis/{API_VERSION}").body.get("components", {}).get("schemas", {})
    plurals, titles = {kind.plural for kind in KINDS.values()}, {f"io.supportplane.v1alpha1.{kind}" for kind in KINDS}
    return plurals <= {each["name"] for each in listed} and titles <= schemas.keys()


def test_an_agent_of_fixed_size_is_scaled_by_kubectl(published: ControlPlane, stored_agent: str) -> None:
    scale = published.ask("GET", f"{stored_agent}/scale").body
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 3)
    assert scale["status"]["selector"] == "supportplane.io/agent=retail-eu"
    kubectl(published, "scale", "sagent", "retail-eu", "--namespace=acme", "--replicas=5")
    assert published.ask("GET", stored_agent).body["spec"]["scaling"]["replicas"] == 5


def test_an_autoscaled_agent_refuses_to_be_scaled_by_hand(published: ControlPlane) -> None:
    agent = {"apiVersion": API_VERSION, "kind": "SupportAgent", "metadata": {"name": "auto"}}
    spec = {"template": {"model": {"modelRef": {"name": "m"}}}, "scaling": {"autoscaling": {"maxReplicas": 4}}}
    assert create(published, {**agent, "spec": spec}, dry_run=False).status == 201
    refusal = kubectl(published, "scale", "sagent", "auto", "--namespace=acme", "--replicas=5", is_refused=True)
    assert "set exactly one of replicas (a fixed number of pods) or autoscaling" in refusal


def test_kubectl_explains_a_field_so_that_it_can_be_filled_in(published: ControlPlane) -> None:
    explained = " ".join(kubectl(published, "explain", "sagent.spec.template.model").split())
    for expected in (
        "KIND: SupportAgent",
        "Which model the agent uses, and what it is trusted with.",
        "modelRef <Object> -required- The ModelEndpoint to use.",
        "writing <string> enum: Disabled, Verified",
        "Disabled: an answer is composed of sentences quoted from the passages, the model is not asked.",
    ):
        assert expected in explained


def test_kubectl_explains_what_is_for_clusters_only(published: ControlPlane) -> None:
    explained = " ".join(kubectl(published, "explain", "sagent.spec.persistence.database").split())
    assert "secretRef <Object> A database of your own: the Secret whose key uri is its postgresql:// URL." in explained
    everything = kubectl(published, "explain", "sagent", "--recursive")
    assert all(field in everything for field in ("cloudNativePG", "maxUnavailable", "topologySpread", "conditions"))


def test_kinds_are_found_by_their_short_name_and_category(published: ControlPlane) -> None:
    resources = {entry["name"]: entry for entry in published.ask("GET", f"/apis/{API_VERSION}").body["resources"]}
    assert resources["supportagents"]["shortNames"] == ["sagent"]
    assert resources["supportagentclasses"]["shortNames"] == ["sagentclass"]
    assert not resources["supportagentclasses"]["namespaced"]
    assert {"supportagents/status", "supportagents/scale"} <= resources.keys()
    for kind in KINDS.values():
        assert resources[kind.plural]["categories"] == ["supportplane"]


def test_the_api_server_explains_every_field(published: ControlPlane) -> None:
    """What ``kubectl explain`` reads."""
    document = published.ask("GET", f"/openapi/v3/apis/{API_VERSION}").body
    schema = document["components"]["schemas"]["io.supportplane.v1alpha1.SupportAgent"]
    turn_timeout = schema["properties"]["spec"]["properties"]["template"]["properties"]["orchestrator"]["properties"]
    assert turn_timeout["turnTimeout"]["description"].startswith("Longest time a turn may take")


def test_a_status_cannot_be_written_by_users(api_server: ControlPlane) -> None:
    endpoint = next(document for document in full_sample() if document["kind"] == "ModelEndpoint")
    reply = create(api_server, {**endpoint, "status": {"observedGeneration": 7}})
    assert reply.status == 201
    assert "status" not in reply.body


def kubectl(plane: ControlPlane, *words: str, is_refused: bool = False) -> str:
    """What it prints; of a refusal the error."""
    server = f"--server=https://127.0.0.1:{plane.port}"
    authority = f"--certificate-authority={plane.folder / 'certs/apiserver.crt'}"
    command = [KUBECTL, server, authority, f"--token={plane.token}", f"--cache-dir={plane.folder / 'kube'}", *words]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (found.returncode != 0) == is_refused, found.stderr
    return found.stderr if is_refused else found.stdout
