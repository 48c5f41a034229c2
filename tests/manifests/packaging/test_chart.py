"""The Helm chart: strict values, the operator's own settings and roles, and its whole life on a real API server."""

import base64
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from ruamel.yaml import YAML

from manifests.packaging.commands import (
    CHART,
    NAMESPACE,
    RELEASE,
    WITH_MONITORING,
    Commands,
    Manifest,
    Refused,
    documented_commands,
    key,
    only,
)
from support.operator import alert_files
from supportplane_operator.metrics import Metrics
from supportplane_operator.settings import Settings, load_settings

# An API server that misses a change of a CRD while deleting it looks again after five minutes; seen once, 268 s.
pytestmark = pytest.mark.timeout(900)

REPOSITORY = CHART.parents[1]
OPERATOR = "supportplane-operator"
PREFIX = "SUPPORTPLANE_OPERATOR_"
WITH_EVERYTHING = (
    "--set=watchNamespaces={acme,globex}",
    "--set=networkPolicy.restrictEgress=true",
    "--set=signingKey.existingSecret=own-key",
    "--set=imagePullSecrets[0].name=registry",
    f"--set=image.digest=sha256:{'0' * 64}",
    "--set=agents.runtimeImage=registry.example.com/runtime:1",
    "--set=imageRegistry=mirror.example.com/all,agents.imagePullSecrets={registry,mirror}",
    "--set=settings.workers=4,settings.leaseSeconds=30",
    "--set=agents.networkPolicies.databasePorts={25060},agents.networkPolicies.cachePorts={25061}",
    "--set=agents.networkPolicies.apiServerCIDRs={10.96.0.1/32}",
    "--set=agents.networkPolicies.monitoringNamespaceLabels.team=sre",
    "--set=podAnnotations.a=b,podLabels.team=support,nodeSelector.disk=ssd,priorityClassName=system-cluster-critical",
    "--set=tolerations[0].key=support,tolerations[0].operator=Exists",
    "--set=serviceAccount.annotations.a=b",
)
VARIANTS = {"default": (), "monitoring": WITH_MONITORING, "everything": (*WITH_EVERYTHING, *WITH_MONITORING)}
OPTIONAL_KINDS = {"ServiceMonitor", "PrometheusRule"}
WRONG_VALUES = {
    "an unknown value": ("--set=replicaCount=3", "'replicaCount' not allowed"),
    "an unknown setting": ("--set=settings.debug=true", "'debug' not allowed"),
    "a namespace that is none": ("--set=watchNamespaces={Not_One}", "does not match pattern"),
    "the same namespace twice": ("--set=watchNamespaces={a,a}", "are equal"),
    "a short lease": ("--set=settings.leaseSeconds=2", "minimum: got 2, want 3"),
    "a tag with a blank": ("--set=image.tag=a b", "does not match pattern"),
    "text for a number": ("--set-string=replicas=two", "got string, want integer"),
    "a made-up log level": ("--set=settings.logLevel=LOUD", "value must be one of"),
    "a port that is none": ("--set=agents.networkPolicies.databasePorts={70000}", "maximum: got 70,000, want 65,535"),
    "an address without a length": (
        "--set=agents.networkPolicies.apiServerCIDRs={10.96.0.1}",
        "does not match pattern",
    ),
    "no identity": ("--set=serviceAccount.create=false", "serviceAccount.name is needed"),
}


def container(found: list[Manifest]) -> Manifest:
    value: Manifest = only(found, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    return value


def environment(found: list[Manifest]) -> dict[str, str]:
    """What the chart states; names of the pod and its namespace are the cluster's to fill in."""
    return {entry["name"]: entry.get("value", "from-the-pod") for entry in container(found)["env"]}


def crd_files() -> list[Path]:
    return sorted((REPOSITORY / "crds").glob("*.supportplane.io.yaml"))


def test_helm_finds_nothing_to_complain_about(tools: Commands) -> None:
    assert "0 chart(s) failed" in tools.helm("lint", str(CHART), "--strict")


@pytest.mark.parametrize("wrong", WRONG_VALUES)
def test_a_wrong_value_is_refused(tools: Commands, wrong: str) -> None:
    option, says = WRONG_VALUES[wrong]
    with pytest.raises(Refused, match=says):
        tools.template(option)


def test_what_is_copied_from_code_is_up_to_date(tools: Commands) -> None:
    done = subprocess.run([REPOSITORY / "scripts/sync-chart", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_chart_image_and_project_have_one_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    chart = YAML(typ="safe", pure=True).load(CHART / "Chart.yaml")
    assert chart["version"] == chart["appVersion"] == project


def test_every_value_has_a_schema_and_every_schema_a_value() -> None:
    schema = YAML(typ="safe", pure=True).load(CHART / "values.schema.json")
    values = YAML(typ="safe", pure=True).load(CHART / "values.yaml")
    assert set(values) == set(schema["properties"]) - {"global"}
    for name, part in schema["properties"].items():
        if "properties" in part:
            assert set(values[name]) == set(part["properties"]), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_operator_understands_its_environment(
    tools: Commands, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = environment(tools.rendered(*VARIANTS[variant]))
    assert {name.removeprefix(PREFIX).lower() for name in stated} <= set(Settings.model_fields)
    for name, value in stated.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.watch_namespaces == (("acme", "globex") if variant == "everything" else ())
    assert str(settings.signing_key_file) == "/etc/supportplane-operator/signing-key.pem"


def test_probes_ask_where_the_operator_listens(tools: Commands) -> None:
    found = tools.rendered()
    ports = {port["name"]: str(port["containerPort"]) for port in container(found)["ports"]}
    stated = environment(found)
    assert ports == {"metrics": stated[f"{PREFIX}METRICS_PORT"], "health": stated[f"{PREFIX}HEALTH_PORT"]}
    probes = [container(found)[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {(probe["path"], probe["port"]) for probe in probes} == {("/healthz", "health"), ("/readyz", "health")}


def test_a_short_lease_and_other_settings_reach_the_operator(tools: Commands) -> None:
    stated = environment(tools.rendered(*WITH_EVERYTHING))
    assert stated[f"{PREFIX}LEASE_SECONDS"] == "30"
    assert stated[f"{PREFIX}WORKERS"] == "4"
    assert stated[f"{PREFIX}RUNTIME_IMAGE"] == "registry.example.com/runtime:1"
    assert f"{PREFIX}RESYNC_S" not in stated


def test_what_agents_may_reach_and_who_reads_their_metrics_reaches_the_operator(
    tools: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(tools.rendered(*WITH_EVERYTHING)).items():
        monkeypatch.setenv(name, value)
    found = load_settings()
    assert (found.database_ports, found.cache_ports) == ((25060,), (25061,))
    assert (found.api_server_cidrs, found.monitoring_labels) == (("10.96.0.1/32",), {"team": "sre"})


def test_one_value_relocates_every_image(tools: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tools.rendered("--set=imageRegistry=mirror.example.com/all,agents.imagePullSecrets={registry}")
    assert container(found)["image"] == "mirror.example.com/all/supportplane/operator:0.1.0"
    for name, value in environment(found).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.image_registry, settings.image_pull_secrets) == ("mirror.example.com/all", ("registry",))
    already = tools.rendered("--set=imageRegistry=ghcr.io,image.tag=v1")
    assert container(already)["image"] == "ghcr.io/supportplane/operator:v1"


def test_optional_apis_are_used_only_where_they_are(tools: Commands) -> None:
    without, with_them = tools.rendered(), tools.rendered(*WITH_MONITORING)
    assert {one["kind"] for one in without} & OPTIONAL_KINDS == set()
    assert {one["kind"] for one in with_them} >= OPTIONAL_KINDS


def test_a_single_replica_has_no_budget_that_would_block_drains(tools: Commands) -> None:
    assert only(tools.rendered(), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert "PodDisruptionBudget" not in {one["kind"] for one in tools.rendered("--set=replicas=1")}


def test_every_alert_leads_to_its_runbook_and_is_in_the_documentation(tools: Commands) -> None:
    page = (REPOSITORY / "docs/operations/operator.md").read_text(encoding="utf-8")
    rules = only(tools.rendered(*WITH_MONITORING), "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert [each["alert"] for each in rules] == [path.stem for path in alert_files.files("operator")]
    for alert in rules:
        base, _, runbook = alert["annotations"]["runbook_url"].rpartition("/")
        assert base == Settings().runbooks_url
        assert (REPOSITORY / "runbooks" / runbook).is_file()
        assert f"`{alert['alert']}`" in page


def test_runbooks_may_be_somewhere_else_for_agents_and_operator(tools: Commands) -> None:
    made = tools.rendered(*WITH_MONITORING, "--set=metrics.runbooksURL=https://wiki.example/runbooks")
    urls = [each["annotations"]["runbook_url"] for each in only(made, "PrometheusRule")["spec"]["groups"][0]["rules"]]
    assert all(url.startswith("https://wiki.example/runbooks/Supportplane") for url in urls)
    told = only(made, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "SUPPORTPLANE_OPERATOR_RUNBOOKS_URL", "value": "https://wiki.example/runbooks"} in told


def test_dashboards_are_what_the_files_are_and_lead_to_your_runbooks(tools: Commands) -> None:
    data = only(tools.rendered("--set=metrics.runbooksURL=https://wiki.example/runbooks"), "ConfigMap")["data"]
    assert set(data) == {"supportplane-fleet.json", "supportplane-operator.json"}
    for name, text in data.items():
        path = REPOSITORY / "dashboards" / name.removeprefix("supportplane-")
        expected = path.read_text(encoding="utf-8").replace(Settings().runbooks_url, "https://wiki.example/runbooks")
        assert json.loads(text) == json.loads(expected)
    assert "ConfigMap" not in {one["kind"] for one in tools.rendered("--set=metrics.dashboards.enabled=false")}


def test_alerts_ask_for_metrics_that_there_are(tools: Commands) -> None:
    rules = only(tools.rendered(*WITH_MONITORING), "PrometheusRule")["spec"]["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"supportplane_operator_\w+", rule["expr"])}
    there = {sample.name for family in Metrics().registry.collect() for sample in family.samples}
    families = {family.name for family in Metrics().registry.collect()}
    assert {name for name in asked if name not in there and name.removesuffix("_total") not in families} == set()


def test_crds_of_the_release_differ_only_in_that_they_stay(tools: Commands) -> None:
    rendered = {one["metadata"]["name"]: one for one in tools.rendered() if one["kind"] == "CustomResourceDefinition"}
    assert len(rendered) == len(crd_files()) >= 4
    for path in crd_files():
        copied = rendered[path.stem]
        assert copied["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert copied == YAML(typ="safe", pure=True).load(path)


def test_crds_may_be_left_to_somebody_else_or_go_with_the_release(tools: Commands) -> None:
    assert "CustomResourceDefinition" not in {one["kind"] for one in tools.rendered("--set=crds.install=false")}
    gone = only(tools.rendered("--set=crds.keep=false"), "CustomResourceDefinition", "supportagents.supportplane.io")
    assert "annotations" not in gone["metadata"]


def test_without_a_secret_of_ones_own_each_rendering_has_a_new_ed25519_key(tools: Commands) -> None:
    keys = [signing_key(only(tools.rendered(), "Secret")) for _ in range(2)]
    assert keys[0] != keys[1]
    assert isinstance(load_pem_private_key(keys[0], None), Ed25519PrivateKey)
    assert "Secret" not in {one["kind"] for one in tools.rendered("--set=signingKey.existingSecret=own-key")}


def signing_key(secret: Manifest) -> bytes:
    return base64.b64decode(secret["data"]["signing-key.pem"])


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["default", "everything without optional APIs"])
def test_an_api_server_takes_every_object(installed: Commands, variant: str) -> None:
    options = () if variant == "default" else WITH_EVERYTHING
    text = installed.template(*options)
    assert len(installed.try_out(text)) == len(installed.rendered(*options))


@pytest.fixture
def monitoring(cluster: Commands, shared_data: Path) -> Any:
    """A cluster with the Prometheus operator's API."""
    folder = str(shared_data / "contracts/crds/monitoring.coreos.com")
    plurals = ("servicemonitors", "prometheusrules")
    files = [option for name in plurals for option in ("-f", f"{folder}/monitoring.coreos.com_{name}.yaml")]
    cluster.kubectl("apply", "--server-side", *files)
    cluster.wait_known(*(f"{name}.monitoring.coreos.com" for name in plurals))
    yield cluster
    cluster.kubectl("delete", *files)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["monitoring", "everything"])
def test_an_api_server_with_the_optional_apis_takes_every_object(monitoring: Commands, variant: str) -> None:
    options = VARIANTS[variant]
    assert len(monitoring.try_out(monitoring.template(*options))) == len(monitoring.rendered(*options))


@pytest.mark.slow
def test_an_installation_finds_the_optional_apis_by_itself(monitoring: Commands) -> None:
    monitoring.helm("install", RELEASE, str(CHART), "--namespace", NAMESPACE)
    try:
        found = monitoring.kubectl("get", "servicemonitors,prometheusrules", "-n", NAMESPACE, "-o", "name")
        assert len(found.splitlines()) == 2
    finally:
        monitoring.helm("uninstall", RELEASE, "--namespace", NAMESPACE)


@pytest.mark.slow
def test_the_operators_pod_passes_pod_security_restricted(installed: Commands) -> None:
    template = only(installed.rendered(), "Deployment")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": "trial", "namespace": NAMESPACE}
    assert installed.try_out(dumped(pod)) == ["pod/trial serverside-applied (server dry run)"]
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(Refused, match="violates PodSecurity"):
        installed.try_out(dumped(pod))


def dumped(manifest: Manifest) -> str:
    return json.dumps(manifest)


@pytest.mark.slow
def test_an_upgrade_keeps_the_key_and_a_lost_key_is_made_anew(installed: Commands) -> None:
    first = signing_key(stored(installed, "secret", f"{OPERATOR}-signing-key"))
    before = pod_annotations(installed)
    upgrade(installed, "--set=settings.logLevel=DEBUG")
    assert signing_key(stored(installed, "secret", f"{OPERATOR}-signing-key")) == first
    assert pod_annotations(installed) == before
    installed.kubectl("delete", "secret", f"{OPERATOR}-signing-key", "-n", NAMESPACE)
    upgrade(installed)
    assert signing_key(stored(installed, "secret", f"{OPERATOR}-signing-key")) != first
    assert pod_annotations(installed) != before, "pods would go on with the old key"


def stored(cluster: Commands, kind: str, name: str) -> Manifest:
    value: Manifest = YAML(typ="safe", pure=True).load(
        cluster.kubectl("get", kind, name, "--namespace", NAMESPACE, "-o", "yaml")
    )
    return value


def pod_annotations(cluster: Commands) -> dict[str, str]:
    value: dict[str, str] = stored(cluster, "deployment", OPERATOR)["spec"]["template"]["metadata"]["annotations"]
    return value


def upgrade(cluster: Commands, *options: str, chart: Path = CHART) -> None:
    cluster.helm("upgrade", RELEASE, str(chart), "--namespace", NAMESPACE, *options)


@pytest.mark.slow
def test_an_upgrade_brings_new_crds(cluster: Commands, tmp_path: Path) -> None:
    older = tmp_path / "chart"
    shutil.copytree(CHART, older)
    definition = older / "files/crds/supportagents.supportplane.io.yaml"
    definition.write_text(definition.read_text().replace("    shortNames:\n    - sagent\n", ""))
    cluster.kubectl("delete", "crd", "--all")  # those that an earlier test left would be merged with, not replaced
    cluster.helm("install", RELEASE, str(older), "--namespace", NAMESPACE)
    try:
        assert "shortNames" not in stored(cluster, "crd", definition.stem)["spec"]["names"]
        upgrade(cluster)
        assert stored(cluster, "crd", definition.stem)["spec"]["names"]["shortNames"] == ["sagent"]
    finally:
        cluster.helm("uninstall", RELEASE, "--namespace", NAMESPACE)


@pytest.mark.slow
def test_uninstalling_leaves_crds_and_agents_and_installing_again_takes_them_over(installed: Commands) -> None:
    agent = str(REPOSITORY / "crds/samples/minimal.yaml")
    installed.wait_known("supportagents.supportplane.io", "modelendpoints.supportplane.io")
    installed.kubectl("apply", "--namespace", "acme", "-f", agent)
    installed.helm("uninstall", RELEASE, "--namespace", NAMESPACE)
    left = {key(one)[0] for one in installed.rendered()} - {"CustomResourceDefinition"}
    for kind in left:
        selector = f"app.kubernetes.io/instance={RELEASE}"
        assert installed.kubectl("get", kind, "--all-namespaces", "--selector", selector, "-o", "name") == ""
    assert "supportagent.supportplane.io/" in installed.kubectl("get", "sagent", "-n", "acme", "-o", "name")
    installed.helm("install", RELEASE, str(CHART), "--namespace", NAMESPACE)
    installed.kubectl("delete", "--namespace", "acme", "-f", agent)


@pytest.mark.slow
def test_a_release_of_another_name_can_take_over_what_stayed(installed: Commands) -> None:
    installed.helm("uninstall", RELEASE, "--namespace", NAMESPACE)
    with pytest.raises(Refused, match="cannot be imported into the current release"):
        installed.helm("install", "other", str(CHART), "--namespace", NAMESPACE)
    installed.helm("install", "other", str(CHART), "--namespace", NAMESPACE, "--take-ownership")
    installed.helm("uninstall", "other", "--namespace", NAMESPACE)
    installed.helm("install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--take-ownership")


@pytest.mark.slow
def test_cluster_wide_the_operator_reads_no_secret(installed: Commands) -> None:
    installed.wait_may("patch", "deployments.apps", who=OPERATOR)
    installed.wait_may("patch", "supportagents.supportplane.io/status", who=OPERATOR)
    installed.wait_may("update", "leases.coordination.k8s.io", who=OPERATOR, namespace=NAMESPACE)
    assert not installed.may("update", "leases.coordination.k8s.io", who=OPERATOR, namespace="acme")
    for verb in ("get", "list", "watch", "create", "patch"):
        assert not installed.may(verb, "secrets", who=OPERATOR)
        assert not installed.may(verb, "secrets", who=OPERATOR, namespace="acme")


@pytest.mark.slow
def test_told_its_namespaces_the_operator_can_touch_no_other(installed: Commands) -> None:
    upgrade(installed, "--set=watchNamespaces={acme}")
    installed.wait_may("patch", "deployments.apps", who=OPERATOR, namespace="acme")
    installed.wait_may("list", "supportagentclasses.supportplane.io", who=OPERATOR)
    for verb in ("get", "list", "watch", "create", "patch"):
        assert not installed.may(verb, "secrets", who=OPERATOR, namespace="acme")
    for resource in ("deployments.apps", "secrets", "supportagents.supportplane.io"):
        installed.wait_may_not("get", resource, who=OPERATOR, namespace="globex")
        installed.wait_may_not("get", resource, who=OPERATOR)


@pytest.mark.slow
def test_two_releases_of_one_name_serve_a_namespace_each(installed: Commands) -> None:
    upgrade(installed, "--set=watchNamespaces={acme}")
    options = ("--set=watchNamespaces={globex}", "--set=crds.install=false")
    installed.helm("install", RELEASE, str(CHART), "--namespace", "globex", *options)
    try:
        other = f"globex:{OPERATOR}"
        installed.wait_may("patch", "deployments.apps", who=other, namespace="globex")
        assert not installed.may("patch", "deployments.apps", who=other, namespace="acme")
        installed.wait_may_not("patch", "deployments.apps", who=OPERATOR, namespace="globex")
    finally:
        installed.helm("uninstall", RELEASE, "--namespace", "globex")


@pytest.mark.slow
def test_the_documented_order_of_uninstalling_leaves_nothing(installed: Commands) -> None:
    """The page's own commands, with an agent whose operator is gone before it could let go of it."""
    installed.wait_known("supportagents.supportplane.io", "modelendpoints.supportplane.io")
    installed.kubectl("apply", "--namespace", "acme", "-f", str(REPOSITORY / "crds/samples/minimal.yaml"))
    installed.kubectl("patch", "sagent", "helpdesk", "-n", "acme", "--type=merge", "-p", FINALIZED)
    snippets = documented_commands("docs/how-to/uninstall.md")
    installed.shell(snippets["Uninstall the operator's release"])
    with pytest.raises(Refused, match="timed out"):
        installed.kubectl("delete", "sagent", "helpdesk", "-n", "acme", "--timeout=1s")
    script = snippets["Release an agent whose operator is gone"]
    installed.shell(script.replace("NAMESPACE", "acme").replace("AGENT", "helpdesk"))
    assert installed.kubectl("get", "sagent", "-A", "-o", "name") == ""
    installed.shell(snippets["Delete the definitions of Supportplane"])
    assert "supportplane" not in installed.kubectl("get", "crd", "-o", "name")


FINALIZED = '{"metadata": {"finalizers": ["supportplane.io/cleanup"]}}'
