"""helm, kustomize, promtool and kubectl as people run them, on one API server and with no settings of the user's."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from support.eventually import eventually
from support.kubernetes.control_plane import START_DEADLINE_S, ControlPlane, ready_binary
from support.repository import REPOSITORY

RELEASE, NAMESPACE = "supportplane", "supportplane-system"
CHART = REPOSITORY / "operator/chart"
MONITORING = ("monitoring.coreos.com/v1/ServiceMonitor", "monitoring.coreos.com/v1/PrometheusRule")
WITH_MONITORING = tuple(itertools.chain.from_iterable(("--api-versions", api) for api in MONITORING))
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- name: test
  cluster: {{server: "https://127.0.0.1:{port}", certificate-authority: "{authority}"}}
users:
- name: admin
  user: {{token: "{token}"}}
contexts:
- name: test
  context: {{cluster: test, user: admin}}
current-context: test
"""

Manifest = dict[str, Any]


class Refused(Exception):
    """A command ended with an error; its text is what it said."""


@dataclass(frozen=True, slots=True)
class Commands:
    """folder: where the tools keep what they keep. kubeconfig: None for what needs no cluster."""

    folder: Path
    kubeconfig: Path | None = None

    def helm(self, *arguments: str) -> str:
        return self._run([ready_binary("helm"), *arguments])

    def kustomize(self, *arguments: str) -> str:
        return self._run([ready_binary("kustomize"), *arguments])

    def promtool(self, *arguments: str) -> str:
        return self._run([ready_binary("promtool"), *arguments])

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        return self._run([str(Path(sys.executable).with_name("kubectl")), *arguments], given)

    def shell(self, script: str) -> str:
        """A snippet of the documentation."""
        return self._run(["bash", "-euo", "pipefail", "-c", script])

    def _run(self, command: list[str], given: str | None = None) -> str:
        done = subprocess.run(
            command,
            input=given,
            env=self._environment(),
            cwd=CHART.parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Refused(f"{done.stdout}{done.stderr}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(ready_binary("helm")).parent)])
        homes = {f"HELM_{name}_HOME": str(self.folder / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        kubeconfig = str(self.kubeconfig or self.folder / "no-cluster")
        return {"PATH": f"{path}:{os.environ['PATH']}", "HOME": str(self.folder), "KUBECONFIG": kubeconfig, **homes}

    def rendered(self, *options: str) -> list[Manifest]:
        """What `helm template` makes of the chart."""
        return manifests(self.template(*options))

    def template(self, *options: str) -> str:
        return self.helm("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *options)

    def try_out(self, text: str) -> list[str]:
        """A server-side dry run: what the API server would have done with each object."""
        options = ("--server-side", "--force-conflicts", "--dry-run=server", "--field-manager=try", "-f", "-")
        return self.kubectl("apply", *options, given=text).splitlines()

    def may(self, verb: str, resource: str, *, who: str, namespace: str | None = None) -> bool:
        """Whether a service account, of the operator's namespace or namespace:name, may do it there or everywhere."""
        account = who if ":" in who else f"{NAMESPACE}:{who}"
        where = ("--namespace", namespace) if namespace else ("--all-namespaces",)
        try:
            self.kubectl("auth", "can-i", verb, resource, *where, f"--as=system:serviceaccount:{account}")
        except Refused:
            return False
        return True

    def wait_may(self, verb: str, resource: str, *, who: str, namespace: str | None = None) -> None:
        """Until it may: the API server goes by a role a moment after it was written."""
        self._wait(lambda: self.may(verb, resource, who=who, namespace=namespace), f"{who} may {verb} {resource}")

    def wait_may_not(self, verb: str, resource: str, *, who: str, namespace: str | None = None) -> None:
        """The same for what it was allowed before."""
        self._wait(
            lambda: not self.may(verb, resource, who=who, namespace=namespace), f"{who} may not {verb} {resource}"
        )

    def wait_known(self, *resources: str) -> None:
        """Until the API server tells of them and serves them, a moment after it has their CRDs. plural.group each."""
        self._wait(lambda: self._is_known(resources), f"{', '.join(resources)} are known")

    def _is_known(self, resources: tuple[str, ...]) -> bool:
        try:
            listed = self.kubectl("api-resources", "--output=name").split()
            self.kubectl("get", ",".join(resources), "--all-namespaces")
        except Refused:
            return False
        return set(resources) <= set(listed)

    @staticmethod
    def _wait(is_so: Callable[[], bool], what: str) -> None:
        eventually(is_so, what, deadline_s=START_DEADLINE_S)


def manifests(text: str) -> list[Manifest]:
    return [one for one in YAML(typ="safe", pure=True).load_all(text) if one]


def only(found: Iterable[Manifest], kind: str, name: str = "") -> Manifest:
    """The one object of a kind, whose name ends so."""
    matching = [one for one in found if one["kind"] == kind and one["metadata"]["name"].endswith(name)]
    assert len(matching) == 1, [one["metadata"]["name"] for one in matching]
    return matching[0]


def key(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]


def write_kubeconfig(plane: ControlPlane, path: Path) -> None:
    authority = plane.folder / "certs/apiserver.crt"
    path.write_text(KUBECONFIG.format(port=plane.port, token=plane.token, authority=authority), encoding="utf-8")


def with_token(kubeconfig: Path, token: str, path: Path) -> Path:
    """The same cluster for somebody else."""
    text = kubeconfig.read_text(encoding="utf-8")
    path.write_text(re.sub(r'token: "[^"]*"', f'token: "{token}"', text), encoding="utf-8")
    return path


def documented_commands(page: str) -> dict[str, str]:
    """Heading -> its shell snippet."""
    sections = (CHART.parents[1] / page).read_text(encoding="utf-8").split("\n## ")[1:]
    with_code = [section for section in sections if "```sh\n" in section]
    return {section.splitlines()[0]: section.split("```sh\n")[1].split("```")[0] for section in with_code}
