"""The operator as the chart would run it: its command, environment, key and service account, as a local process.

No controller and no kubelet runs here: what is seen is that the chart's roles are enough, and that nothing is missing
in what it states. The image and the pod are the e2e suite's.
"""

import base64
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from manifests.packaging.commands import CHART, NAMESPACE, RELEASE, Commands, only, with_token
from support.eventually import DEADLINE_S, eventually
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.process import Child, ChildSpec

pytestmark = pytest.mark.slow
OPERATOR = "supportplane-operator"
PREFIX = "SUPPORTPLANE_OPERATOR_"
GRACE_S = 30.0  # the kubelet's, after which it kills
AGENT = """\
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {name: helpdesk}
spec:
  template:
    model: {modelRef: {name: slm}}
  persistence:
    database: {secretRef: {name: database}}
    cache: {secretRef: {name: cache}}
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {name: slm}
spec: {embedded: {}}
"""
MODES = {"cluster-wide": (), "watched namespace": ("--set=watchNamespaces={acme}",)}


@dataclass(frozen=True, slots=True)
class Running:
    """An operator that was started from the chart with these options."""

    cluster: Commands
    options: tuple[str, ...]
    child: Child
    health: str

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"{self.health}{path}", timeout=5) as reply:  # noqa: S310 -- a local port
                return bool(reply.status == 200)
        except OSError:
            return False

    def listed(self, *arguments: str) -> str:
        return self.cluster.kubectl("get", *arguments, "--namespace", "acme", "--output=name")


def until(is_true: Callable[[], object], running: Running, what: str) -> None:
    """A failure shows what the operator has written."""

    def ensure_it_runs() -> None:
        assert running.child.is_running, running.child.output()

    try:
        eventually(is_true, what, meanwhile=ensure_it_runs)
    except AssertionError as late:
        raise AssertionError(f"{late}\n{running.child.output()}") from late


@pytest.fixture(params=MODES)
def running(request: pytest.FixtureRequest, installed: Commands, tmp_path: Path) -> Iterator[Running]:
    options = MODES[request.param]
    installed.helm("upgrade", RELEASE, str(CHART), "--namespace", NAMESPACE, *options)
    port = free_port()
    child = Child(process(installed, options, tmp_path, port))
    try:
        yield Running(installed, options, child, f"http://127.0.0.1:{port}")
    finally:
        child.stop()


def process(cluster: Commands, options: tuple[str, ...], folder: Path, port: int) -> ChildSpec:
    """What a kubelet would make of the Deployment; ports and the key's path are this machine's."""
    assert cluster.kubeconfig is not None
    token = cluster.kubectl("create", "token", OPERATOR, "--namespace", NAMESPACE).strip()
    (folder / "key.pem").write_bytes(signing_key(cluster))
    here = {
        "NAMESPACE": NAMESPACE,
        "POD_NAME": "trial",
        "SIGNING_KEY_FILE": str(folder / "key.pem"),
        "METRICS_PORT": "0",
        "HEALTH_PORT": str(port),
    }
    container = only(cluster.rendered(*options), "Deployment")["spec"]["template"]["spec"]["containers"][0]
    stated = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    environment = {**os.environ, **stated, **{f"{PREFIX}{name}": value for name, value in here.items()}}
    environment["KUBECONFIG"] = str(with_token(cluster.kubeconfig, token, folder / "kubeconfig"))
    argv = (sys.executable, *entrypoint()[1:])
    return ChildSpec("operator", argv, folder / "operator.log", environment=environment, stop_timeout_s=GRACE_S)


def entrypoint() -> list[str]:
    lines = (CHART.parent / "Dockerfile").read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.startswith("ENTRYPOINT"))
    value: list[str] = YAML(typ="safe", pure=True).load(line.removeprefix("ENTRYPOINT "))
    return value


def signing_key(cluster: Commands) -> bytes:
    path = "jsonpath={.data.signing-key\\.pem}"
    return base64.b64decode(cluster.kubectl("get", "secret", f"{OPERATOR}-signing-key", "-n", NAMESPACE, "-o", path))


def test_the_charts_roles_are_enough_for_an_agents_whole_life(running: Running) -> None:
    until(lambda: running.answers("/readyz"), running, "the operator is ready")
    assert running.answers("/healthz")
    running.cluster.kubectl("apply", "--namespace", "acme", "-f", "-", given=AGENT)
    until(lambda: "helpdesk-gateway" in running.listed("deployments"), running, "a gateway is made")
    until(lambda: conditions(running), running, "a status is written")
    running.cluster.kubectl("delete", "--namespace", "acme", f"--timeout={DEADLINE_S:.0f}s", "-f", "-", given=AGENT)
    assert "forbidden" not in running.child.output().lower()
    running.child.stop()
    assert running.child.exit_code == 0, running.child.output()
    remove_orphans(running.cluster)


def conditions(running: Running) -> str:
    path = "jsonpath={.status.conditions[*].type}"
    return running.cluster.kubectl("get", "sagent", "helpdesk", "--namespace", "acme", "-o", path)


def remove_orphans(cluster: Commands) -> None:
    """Children go by their owner references, which takes a controller that does not run here."""
    kinds = "deployments,services,configmaps,serviceaccounts,jobs,networkpolicies,poddisruptionbudgets,pods,pvc"
    selector = "app.kubernetes.io/managed-by=supportplane-operator"
    cluster.kubectl("delete", kinds, "--namespace", "acme", "--selector", selector, "--wait=false")
