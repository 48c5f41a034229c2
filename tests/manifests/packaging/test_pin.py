"""scripts/pin on a chart of our own: what it accepts, what it refuses, and that it never writes over a digest."""

import subprocess
import sys
from pathlib import Path

import pytest

from manifests.packaging.commands import Commands
from support.repository import REPOSITORY

COMPONENT = """\
component:
  name: small
  layer: data
  namespace: small
  podSecurity: restricted
  chart:
    repository: https://charts.example.invalid
    name: small
    version: 1.0.0
    digest: unverified
  helm: {{releaseName: small, skipCrds: false, pullSecrets: [{secrets}]}}
  images:
  - {{image: '{image}', registry: [registry]}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: small}
spec:
  imagePullSecrets: {{ toJson .Values.secrets }}
  containers:
  - {name: small, image: "{{ .Values.registry }}/{{ .Values.path }}"}
"""
VALUES = "{registry: docker.io, path: 'library/redis:8', secrets: []}"
RIGHT = {"image": "docker.io/library/redis:8", "secrets": "'secrets[INDEX].name'"}


@pytest.fixture
def charts(tools: Commands, tmp_path: Path) -> Path:
    chart = tmp_path / "charts/small"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: small, version: 1.0.0}")
    (chart / "values.yaml").write_text(VALUES)
    (chart / "templates/pod.yaml").write_text(POD)
    return tmp_path / "charts"


def pin(charts: Path, *options: str, **said: str) -> subprocess.CompletedProcess[str]:
    """The script in a copy of its place, so that it sees one component of ours."""
    here = charts.parent / "here"
    (here / "scripts").mkdir(parents=True, exist_ok=True)
    for name in ("pin_charts.py", "tool"):
        (here / "scripts" / name).write_bytes((REPOSITORY / "scripts" / name).read_bytes())
    (here / "scripts/tool").write_text(f'#!/bin/sh\nexec {REPOSITORY}/scripts/tool "$@"\n')
    (here / "scripts/tool").chmod(0o755)
    folder = here / "clusters/platform/small"
    folder.mkdir(parents=True, exist_ok=True)
    if said:
        (folder / "component.yaml").write_text(COMPONENT.format(**said))
    (folder / "values.yaml").write_text("{}")
    command = [sys.executable, str(here / "scripts/pin_charts.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_chart_that_holds_what_is_said_is_accepted(charts: Path) -> None:
    done = pin(charts, "--charts", str(charts), **RIGHT)
    assert (done.returncode, done.stdout) == (0, "small: renders as component.yaml says; no digest written\n")


@pytest.mark.parametrize(
    ("said", "values", "says"),
    [
        ({**RIGHT, "image": "docker.io/library/redis:7"}, VALUES, "does not list: docker.io/library/redis:8"),
        ({**RIGHT, "secrets": ""}, VALUES, "not every pod has the pull secret"),
        (RIGHT, VALUES.replace("{registry", "{other: a, registry").replace("path", "paths"), "does not list"),
    ],
)
def test_a_chart_that_holds_something_else_is_refused(
    charts: Path, said: dict[str, str], values: str, says: str
) -> None:
    (charts / "small/values.yaml").write_text(values)
    done = pin(charts, "--charts", str(charts), **said)
    assert done.returncode == 1
    assert "small: NOT PINNED: " in done.stderr
    assert says in done.stderr
    assert "1 of the charts are not pinned" in done.stderr


def test_an_image_that_no_value_relocates_is_refused(charts: Path) -> None:
    (charts / "small/templates/pod.yaml").write_text(POD.replace("{{ .Values.registry }}", "docker.io"))
    done = pin(charts, "--charts", str(charts), **RIGHT)
    assert "stay where they are with a registry of one's own: docker.io/library/redis:8" in done.stderr


def test_a_registry_that_cannot_be_reached_is_an_error_and_nothing_is_written(charts: Path) -> None:
    done = pin(charts, **RIGHT)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "digest: unverified" in (charts.parent / "here/clusters/platform/small/component.yaml").read_text()


def test_an_archive_is_pinned_once_and_another_one_under_the_version_is_an_alarm(
    tools: Commands, charts: Path, tmp_path: Path
) -> None:
    registry = tmp_path / "registry"
    tools.helm("package", str(charts / "small"), "--destination", str(registry))
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", registry],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split("port ")[1].split()[0]
        tools.helm("repo", "index", str(registry))
        path = charts.parent / "here/clusters/platform/small/component.yaml"
        pin(charts, **RIGHT)
        path.write_text(path.read_text().replace("https://charts.example.invalid", f"http://127.0.0.1:{port}"))
        assert "pinned to sha256:" in pin(charts).stdout
        assert pin(charts).stdout == "small: is as pinned\n"
        (charts / "small/values.yaml").write_text(VALUES + "\n")
        tools.helm("package", str(charts / "small"), "--destination", str(registry))
        tools.helm("repo", "index", str(registry))
        pinned = path.read_text()
        assert "look before you change the pin" in pin(charts).stderr
        assert path.read_text() == pinned
    finally:
        server.terminate()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
