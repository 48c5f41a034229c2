"""environments/ and clusters/: every overlay renders, is safe by what it says itself, and is taken by an API server."""

import difflib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from manifests.packaging.commands import NAMESPACE, Commands, Manifest, manifests
from support.repository import REPOSITORY
from supportplane_cli.gitops.tracks import TRACKS
from supportplane_cli.registry import cli

ENVIRONMENTS = ("dev", "staging", "production")
CLUSTERS = ("main", "staging", "production-eu", "production-us")
AGENTS = sorted(
    str(path.relative_to(REPOSITORY).parent) for path in (REPOSITORY / "clusters").glob("*/agents/*/kustomization.yaml")
)
OVERLAYS = [f"environments/{name}" for name in ENVIRONMENTS] + AGENTS
SHARED = [f"clusters/{name}/shared" for name in CLUSTERS]
# What Argo CD leaves as it is when git does not state it, and customers are hurt by.
SAFE = (
    "mode",
    "tenant.id",
    "template.orchestrator.turnTimeout",
    "template.model.writing",
    "template.handoff.triggers",
    "template.handoff.visitorTicketsPerHour",
    "gateway.auth.apiKeysSecretRef.name",
    "gateway.rateLimits",
    "gateway.trustedProxies",
    "persistence.deletionPolicy",
    "dataPolicy.retention.auditDays",
    "networkPolicy.enabled",
    "networkPolicy.ingressFrom",
    "images.runtime",
)
SCREEN = 50  # lines of a terminal


def read(path: str) -> Any:
    return YAML(typ="safe", pure=True).load((REPOSITORY / path).read_text(encoding="utf-8"))


@cache
def built(tools: Commands, overlay: str) -> list[Manifest]:
    return manifests(tools.kustomize("build", overlay))


def of_kind(found: list[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in found if each["kind"] in kinds]


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_field_that_keeps_customers_safe_is_written(tools: Commands, overlay: str) -> None:
    (agent,) = of_kind(built(tools, overlay), "SupportAgent")
    assert [path for path in SAFE if at(agent["spec"], path) is None] == []
    assert len(agent["spec"]["gateway"]["rateLimits"]) == 4


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_number_of_pods_stands_beside_an_autoscaler(tools: Commands, overlay: str) -> None:
    (agent,) = of_kind(built(tools, overlay), "SupportAgent")
    assert len(agent["spec"]["scaling"].keys() & {"replicas", "autoscaling"}) == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_environment_has_its_namespace_and_no_secret(tools: Commands, overlay: str) -> None:
    found = built(tools, overlay)
    (namespace,) = of_kind(found, "Namespace")
    assert namespace["metadata"]["name"] == f"support-{overlay.rsplit('/', 1)[1]}"
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"].get("namespace") for each in found} - {None} == {namespace["metadata"]["name"]}
    assert of_kind(found, "Secret") == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_knowledge_base_names_the_documents_by_what_they_say(tools: Commands, overlay: str) -> None:
    (documents,) = of_kind(built(tools, overlay), "ConfigMap")
    (base,) = of_kind(built(tools, overlay), "KnowledgeBase")
    assert base["spec"]["sources"][0]["configMap"]["name"] == documents["metadata"]["name"] != "handbook"


@pytest.mark.parametrize(("one", "other"), [("dev", "staging"), ("staging", "production")])
def test_what_differs_between_environments_fits_on_a_screen(one: str, other: str) -> None:
    def lines(environment: str) -> list[str]:
        folder = REPOSITORY / "environments" / environment
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]

    assert len(list(difflib.unified_diff(lines(one), lines(other), lineterm=""))) <= SCREEN


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_project_of_agents_admits_what_an_overlay_makes(tools: Commands, overlay: str) -> None:
    project = read("clusters/bootstrap/projects/agents.yaml")["spec"]
    admitted = {(each["group"], each["kind"]) for each in project["namespaceResourceWhitelist"]}
    admitted |= {(each["group"], each["kind"]) for each in project["clusterResourceWhitelist"]}
    made = {(each["apiVersion"].rpartition("/")[0], each["kind"]) for each in built(tools, overlay)}
    made |= {("" if group == "v1" else group, kind) for group, kind in made if group == "v1"}
    assert made <= admitted


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_of_an_overlay_pulls_from_the_clusters_registry_with_a_secret(
    tools: Commands, overlay: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPORTPLANE_OPERATOR_IMAGE_REGISTRY", "mirror.example.com/all")
    monkeypatch.setenv("SUPPORTPLANE_OPERATOR_IMAGE_PULL_SECRETS", '["registry"]')
    ours = of_kind(built(tools, overlay), "SupportAgent", "ModelEndpoint", "KnowledgeBase")
    file = tmp_path / "agent.yaml"
    file.write_text("---\n".join(f"{json.dumps(each)}\n" for each in ours))
    shown = CliRunner().invoke(cli, ["render", "-f", str(file), "--all-apis"])
    assert shown.exit_code == 0, shown.exception
    made = [each["spec"]["template"]["spec"] for each in manifests(shown.stdout) if "template" in each.get("spec", {})]
    assert len(made) >= 4  # gateway, orchestrator, model, jobs
    for pod in made:
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        assert all(each["image"].startswith("mirror.example.com/all/") for each in pod["containers"])


@pytest.mark.parametrize("track", ["startup", "enterprise"])
def test_what_a_team_gets_from_a_track_builds_like_the_trees_here(tools: Commands, track: str, tmp_path: Path) -> None:
    arguments = ["init", "--track", track, "--repository", "https://git.acme.example/a/b.git", str(tmp_path / track)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    overlays = [
        path.parent for pattern in ("agents/*", "shared") for path in tmp_path.glob(f"*/clusters/*/{pattern}/k*")
    ]
    assert len(overlays) == {"startup": 3, "enterprise": 4}[track] + len(TRACKS[track].clusters)
    for overlay in overlays:
        assert tools.kustomize("build", str(overlay)) == tools.kustomize(
            "build", str(overlay.relative_to(tmp_path / track))
        )
    sets = of_kind(manifests(tools.kustomize("build", str(tmp_path / track / "clusters/bootstrap"))), "ApplicationSet")
    names = {each["metadata"]["name"] for each in sets}
    assert names == {"agents-preview", "agents-production", *(f"platform-{name}" for name in TRACKS[track].clusters)}


def sync_policies(found: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for each in of_kind(found, "Application"):
        yield each["metadata"]["name"], each["spec"]["syncPolicy"]
    for each in of_kind(found, "ApplicationSet"):
        yield each["metadata"]["name"], each["spec"]["template"]["spec"]["syncPolicy"]


def test_every_application_applies_on_the_server_heals_and_takes_up_the_commit_that_mends_it(tools: Commands) -> None:
    found = dict(sync_policies(built(tools, "clusters/bootstrap")))
    assert len(found) == 3 + len(CLUSTERS)
    for name, policy in found.items():
        assert policy["retry"]["refresh"] is True, name
        assert policy["retry"]["limit"] >= 1, name
        assert {"duration", "factor", "maxDuration"} <= set(policy["retry"]["backoff"]), name
        assert policy["automated"] == {"prune": True, "selfHeal": True}, name
        assert "ServerSideApply=true" in policy["syncOptions"], name


def test_layers_and_rings_come_one_after_the_other(tools: Commands) -> None:
    sets = {
        each["metadata"]["name"]: each["spec"] for each in of_kind(built(tools, "clusters/bootstrap"), "ApplicationSet")
    }
    assert "strategy" not in sets["agents-preview"]
    layers = [step["matchExpressions"][0]["values"] for step in steps(sets["platform-main"])]
    assert layers == [["crds"], ["operators"], ["data"]]
    assert {each["component"]["layer"] for each in components().values()} == {"crds", "operators", "data"}
    rings = [
        (each["operator"], each["values"])
        for step in steps(sets["agents-production"])
        for each in step["matchExpressions"]
    ]
    assert rings == [("In", ["1"]), ("In", ["2"]), ("NotIn", ["1", "2"])]


def steps(spec: Manifest) -> list[Manifest]:
    assert spec["strategy"]["type"] == "RollingSync"
    found: list[Manifest] = spec["strategy"]["rollingSync"]["steps"]
    return found


def test_each_cluster_has_an_applicationset_of_its_own_that_reads_its_own_facts(tools: Commands) -> None:
    for each in of_kind(built(tools, "clusters/bootstrap"), "ApplicationSet"):
        name = each["metadata"]["name"]
        if name.startswith("platform-"):
            cluster = name.removeprefix("platform-")
            path = each["spec"]["generators"][0]["matrix"]["generators"][0]["git"]["files"][0]["path"]
            assert path == f"clusters/{cluster}/cluster.yaml"
            assert read(path)["cluster"]["name"] == cluster


# The parts of the platform


def components() -> dict[str, Manifest]:
    return {
        path.parent.name: read(str(path.relative_to(REPOSITORY)))
        for path in sorted((REPOSITORY / "clusters/platform").glob("*/component.yaml"))
    }


def sources_of(tools: Commands, component: Manifest, facts: Manifest, folder: Path) -> list[Manifest]:
    """What the ApplicationSet's patch makes of a part and a cluster. Helm reads the same language as Argo CD."""
    patch = read("clusters/layers/applicationset.yaml")["spec"]["templatePatch"]
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("{apiVersion: v2, name: patch, version: 1.0.0}")
    (folder / "templates/patch.yaml").write_text("{{- with .Values }}\n" + patch + "{{- end }}\n")
    (folder / "values.json").write_text(json.dumps({**component, **facts}))
    (rendered,) = manifests(tools.helm("template", "patch", str(folder), "--values", str(folder / "values.json")))
    found: list[Manifest] = rendered["spec"]["sources"]
    return found


def facts(**changed: Any) -> Manifest:
    return {"cluster": {**read("clusters/production-eu/cluster.yaml")["cluster"], **changed}}


@pytest.mark.parametrize("name", components())
def test_a_part_is_pinned_and_comes_from_where_its_project_allows(tools: Commands, name: str, tmp_path: Path) -> None:
    component = components()[name]
    assert component["component"]["name"] == name
    allowed = read("clusters/bootstrap/projects/platform.yaml")["spec"]["sourceRepos"]
    found = sources_of(tools, component, facts(), tmp_path / "chart")
    assert {each["repoURL"] for each in found} <= set(allowed)
    first = found[0]
    if "chart" in first:
        assert first["targetRevision"][0].isdigit() or first["targetRevision"].startswith("v")
    else:
        path = first["path"].replace("clusters/production-eu", "clusters/main")
        assert component["component"].get("git") or (REPOSITORY / path).is_dir()
    if "helm" in first:
        assert first["helm"].get("parameters") in (None, [])
        assert found[1]["ref"] == "values"
        assert first["helm"]["valueFiles"][0] == f"$values/clusters/platform/{name}/values.yaml"
        assert (REPOSITORY / f"clusters/platform/{name}/values.yaml").is_file()


@pytest.mark.parametrize("name", components())
def test_one_value_of_a_cluster_relocates_every_image_of_a_part(tools: Commands, name: str, tmp_path: Path) -> None:
    private = facts(imageRegistry="mirror.example.com/all", imagePullSecrets=["first", "second"])
    component = components()[name]
    helm = sources_of(tools, component, private, tmp_path / "chart")[0].get("helm", {})
    given = {each["name"]: each["value"] for each in helm.get("parameters") or ()}
    for image in component["component"]["images"]:
        path = image["image"].partition("/")[2]
        expected = {
            "registry": "mirror.example.com/all",
            "repository": f"mirror.example.com/all/{path.rpartition(':')[0]}",
            "whole": f"mirror.example.com/all/{path}",
        }
        for form, value in expected.items():
            assert [given[each] for each in image.get(form, ())] == [value] * len(image.get(form, ()))
    for pattern in component["component"].get("helm", {}).get("pullSecrets", ()):
        assert [given[pattern.replace("INDEX", index)] for index in "01"] == ["first", "second"]


def test_the_operators_own_images_are_those_that_it_uses() -> None:
    listed = {each["image"] for each in components()["supportplane-operator"]["component"]["images"]}
    page = (REPOSITORY / "operator/supportplane_operator/settings.py").read_text(encoding="utf-8")
    version = read("operator/chart/Chart.yaml")["appVersion"]
    assert {f"ghcr.io/supportplane/{name}:{version}" for name in ("operator", "runtime")} <= listed
    assert [image for image in listed if "/supportplane/" not in image and image not in page] == []


# On a real API server


@pytest.fixture(scope="module")
def with_neighbours(cluster: Commands, shared_data: Path) -> Iterator[Commands]:
    """A cluster with our definitions, those of all neighbours, and the namespaces that overlays have objects in."""
    definitions = sorted(str(path) for path in (shared_data / "contracts/crds").rglob("*.yaml"))
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-k", "crds")
    options = [option for path in definitions for option in ("-f", path)]
    cluster.kubectl("apply", "--server-side", "--force-conflicts", *options)
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    cluster.wait_known(
        "supportagents.supportplane.io", "applicationsets.argoproj.io", "gateways.gateway.networking.k8s.io"
    )
    namespaces = [
        "argocd",
        "gateways",
        "search",
        "redis",
        "logging",
        "monitoring",
        *(f"support-{name}" for name in ENVIRONMENTS),
    ]
    for namespace in namespaces:
        cluster.kubectl("create", "namespace", namespace)
    yield cluster
    cluster.kubectl("delete", "crd", "--all")


@pytest.mark.slow
@pytest.mark.parametrize("overlay", [*OVERLAYS, *SHARED, "clusters/bootstrap"])
def test_an_api_server_with_the_neighbours_definitions_takes_every_object(
    with_neighbours: Commands, overlay: str
) -> None:
    text = with_neighbours.kustomize("build", overlay)
    assert len(with_neighbours.try_out(text)) == len(manifests(text))


@pytest.mark.slow
@pytest.mark.parametrize("name", components())
def test_an_api_server_takes_the_application_of_every_part(
    with_neighbours: Commands, name: str, tmp_path: Path
) -> None:
    private = facts(imageRegistry="mirror.example.com/all", imagePullSecrets=["registry"])
    sources = sources_of(with_neighbours, components()[name], private, tmp_path / "chart")
    template = read("clusters/layers/applicationset.yaml")["spec"]["template"]["spec"]
    destination = {"server": private["cluster"]["server"], "namespace": components()[name]["component"]["namespace"]}
    spec = {**template, "sources": sources, "destination": destination}
    metadata = {"name": f"{name}-production-eu", "namespace": "argocd"}
    application = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}
    assert with_neighbours.try_out(json.dumps(application))


@pytest.mark.slow
def test_the_operators_chart_with_the_platforms_values_is_taken(cluster: Commands) -> None:
    values = str(REPOSITORY / "clusters/platform/supportplane-operator/values.yaml")
    text = cluster.template("--values", values)
    found = manifests(text)
    assert {"Secret", "CustomResourceDefinition"} & {each["kind"] for each in found} == set()
    assert len(cluster.try_out(text)) == len(found)
    assert {each["metadata"].get("namespace", NAMESPACE) for each in found} == {NAMESPACE}
