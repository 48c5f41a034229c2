"""The CRDs on a real API server: admitted with every rule, defaults as in Python, every wrong object refused."""

from typing import Any

import pytest

from manifests.control_plane import ControlPlane, Reply, missing_binaries
from manifests.wrong_objects import REPOSITORY, WRONG_OBJECTS, WrongObject, full_sample
from supportplane_crds.load import KINDS, load_agent_file
from supportplane_crds.objects import API_VERSION
from supportplane_crds.structural import custom_resource_definition

pytestmark = pytest.mark.slow
if missing := missing_binaries():
    pytest.skip(missing, allow_module_level=True)


def create(plane: ControlPlane, manifest: dict[str, Any], *, dry_run: bool = True) -> Reply:
    """As kubectl does: unknown fields are an error."""
    namespaced = {**manifest, "metadata": {**manifest["metadata"], "namespace": "acme"}}
    query = "?fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
    plural = KINDS[manifest["kind"]].plural
    return plane.ask("POST", f"/apis/{API_VERSION}/namespaces/acme/{plural}{query}", namespaced)


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_is_served_with_no_complaint_about_its_schema(api_server: ControlPlane, kind: str) -> None:
    name = custom_resource_definition(KINDS[kind])["metadata"]["name"]
    status = api_server.ask("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}").body["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert conditions["Established"] == conditions["NamesAccepted"] == "True"
    assert conditions.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize(
    "sample", ["crds/samples/minimal.yaml", "crds/samples/full.yaml", "environments/local/agent.yaml"]
)
def test_what_is_stored_is_what_the_laptop_reads(api_server: ControlPlane, sample: str) -> None:
    agent_file = load_agent_file(REPOSITORY / sample)
    for item in (agent_file.agent, *agent_file.model_endpoints, *agent_file.knowledge_bases):
        written = item.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
        stored = create(api_server, {**written, "apiVersion": API_VERSION, "kind": type(item).__name__})
        assert stored.status == 201, stored.message
        assert stored.body["spec"] == item.dump()["spec"]


@pytest.mark.parametrize("wrong", WRONG_OBJECTS, ids=lambda wrong: wrong.title)
def test_a_wrong_object_is_refused_with_a_sentence(api_server: ControlPlane, wrong: WrongObject) -> None:
    reply = create(api_server, wrong.manifest())
    assert reply.status in {400, 422}, f"admitted: {reply.body}"
    assert wrong.server_says in reply.message
    assert "type conversion error" not in reply.message


def test_a_list_names_mode_model_and_tenant(api_server: ControlPlane) -> None:
    agent = next(document for document in full_sample() if document["kind"] == "SupportAgent")
    assert create(api_server, agent, dry_run=False).status == 201
    table = api_server.ask(
        "GET", f"/apis/{API_VERSION}/supportagents", accept="application/json;as=Table;v=v1;g=meta.k8s.io"
    ).body
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Mode", "Model", "Tenant", "Age"]
    assert table["rows"][0]["cells"][:4] == ["retail-eu", "Auto", "own-server", "acme"]


def test_kinds_are_found_by_their_short_name_and_category(api_server: ControlPlane) -> None:
    resources = {entry["name"]: entry for entry in api_server.ask("GET", f"/apis/{API_VERSION}").body["resources"]}
    assert resources["supportagents"]["shortNames"] == ["sagent"]
    assert "supportagents/status" in resources
    for kind in KINDS.values():
        assert resources[kind.plural]["categories"] == ["supportplane"]


def test_the_api_server_explains_every_field(api_server: ControlPlane) -> None:
    """What ``kubectl explain`` reads."""
    document = api_server.ask("GET", f"/openapi/v3/apis/{API_VERSION}").body
    schema = document["components"]["schemas"]["io.supportplane.v1alpha1.SupportAgent"]
    turn_timeout = schema["properties"]["spec"]["properties"]["template"]["properties"]["orchestrator"]["properties"]
    assert turn_timeout["turnTimeout"]["description"].startswith("Longest time a turn may take")


def test_a_status_cannot_be_written_by_users(api_server: ControlPlane) -> None:
    endpoint = next(document for document in full_sample() if document["kind"] == "ModelEndpoint")
    reply = create(api_server, {**endpoint, "status": {"ready": True}})
    assert "status" not in reply.body or reply.status == 400
