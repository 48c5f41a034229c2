"""Each role started as the operator renders it: its command, its environment, its mounted files; and it is ready.

What a cluster would provide is put in its place: mounts are folders, Secrets are texts, Services are ports of ours.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from joserfc.jwk import KeySet, OKPKey

from support.operator.samples import SETTINGS, by_name, endpoint_snapshot, snapshot
from support.runtime.roles import is_ready
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.process import Child, ChildSpec
from supportplane_crds import names
from supportplane_crds.roles import ASKED_FIRST, ROLES
from supportplane_operator.render import render, render_endpoint
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces.keys import KeyKind

pytestmark = pytest.mark.slow
DEADLINE_S = 120.0
SPEC = {"gateway": {"auth": {"apiKeysSecretRef": {"name": "keys"}}}}
DOCUMENT = "# Returns\n\nTo return a parcel, print the return label and hand the parcel in at a post office.\n"


@dataclass
class Node:
    """Runs containers of rendered pods as local processes. secrets: by name of the Secret; every key has that value."""

    stack: ExitStack
    folder: Path
    secrets: dict[str, str]
    manifests: tuple[Manifest, ...]
    ports: dict[str, int] = field(default_factory=dict)

    def container(self, kind: str, name: str) -> Manifest:
        found = next(each for key, each in by_name(self.manifests, kind).items() if key.startswith(name))
        container: Manifest = found["spec"]["template"]["spec"]["containers"][0]
        return container

    def start(self, container: Manifest) -> Child:
        child = Child(self._spec(container))
        self.stack.callback(child.stop)
        return child

    def run(self, container: Manifest) -> None:
        child = self.start(container)
        assert child.wait(timeout_s=DEADLINE_S) == 0, child.log_tail()

    def serve(self, container: Manifest, path: str = "/readyz") -> None:
        """Returns when the container is ready, asked where its probes ask."""
        child = self.start(container)
        port = self.ports.get(f"{container['name']} health", self.ports[container["name"]])
        child.wait_ready(lambda: is_ready(port, path), deadline_s=DEADLINE_S)

    def _spec(self, container: Manifest) -> ChildSpec:
        role = container["name"]
        python, *arguments = container["command"]
        assert python == "python"
        environment = {each["name"]: self._value(role, each) for each in container["env"]}
        return ChildSpec(role, (sys.executable, *arguments), self.folder / f"{role}.log", environment=environment)

    def _value(self, role: str, variable: Manifest) -> str:
        if "valueFrom" in variable:
            return self.secrets[variable["valueFrom"]["secretKeyRef"]["name"]]
        if variable["name"] == "SUPPORTPLANE_HTTP_PORT":
            return str(self.ports.setdefault(role, free_port()))
        if variable["name"] == "SUPPORTPLANE_HEALTH_PORT":
            return str(self.ports.setdefault(f"{role} health", free_port()))
        asked = {f"SUPPORTPLANE_{each.address_variable}": each.name for each in ROLES if each.address_variable}
        if variable["name"] in asked:
            return f"http://127.0.0.1:{self.ports[asked[variable['name']]]}"
        return self.here(variable["value"])

    def here(self, text: str) -> str:
        """Paths of a pod as folders of the test."""
        for path in (names.CONFIG_DIR, names.DATA_DIR, names.SECRETS_DIR):
            text = text.replace(path, str(self.folder / path.strip("/")))
        return text

    def mount(self, path: str, content: str) -> None:
        where = Path(self.here(path))
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(self.here(content))

    def mount_as_a_kubelet_does(self, folder: str, name: str, content: str) -> None:
        """A ConfigMap's files are links into a hidden folder, which a link names, too."""
        where = Path(self.here(folder))
        (where / "..2026_11_27").mkdir(parents=True)
        (where / "..2026_11_27" / name).write_text(content)
        (where / "..data").symlink_to("..2026_11_27")
        (where / name).symlink_to(f"..data/{name}")


@pytest.fixture
def node(tmp_path: Path, make_database: Callable[[], str], redis_url: str) -> Iterator[Node]:
    keys = KeySet([OKPKey.generate_key("Ed25519", {"kid": "operator"})]).as_dict(private=False)
    settings = SETTINGS.model_copy(update={"status_jwks": json.dumps(keys)})
    manifests = render(Plan(snapshot(SPEC, endpoint={"embedded": {}}), settings))
    manifests += render_endpoint(endpoint_snapshot({"embedded": {}}), SETTINGS)
    with ExitStack() as stack:
        made = Node(stack, tmp_path, {"pg": make_database(), "redis": redis_url}, manifests)
        config = next(each for name, each in by_name(manifests, "ConfigMap").items() if "-config-" in name)
        for key, content in config["data"].items():
            made.mount(f"{names.CONFIG_DIR}/{key}", content)
        made.mount(f"{names.API_KEYS_DIR}/web", mint_key(KeyKind.SECRET))
        Path(made.here(names.DATA_DIR)).mkdir(parents=True)
        yield made


def test_every_role_is_ready_as_it_was_rendered(node: Node) -> None:
    node.run(node.container("Job", "helpdesk-migrate-"))
    node.mount_as_a_kubelet_does(f"{names.KNOWLEDGE_DIR}/handbook/docs", "returns.md", DOCUMENT)
    node.run(node.container("Job", "helpdesk-knowledge-"))
    assert '"documents":1,' in (node.folder / "knowledge.log").read_text()
    for role in ASKED_FIRST:
        node.serve(node.container("Deployment", role.object_name("helpdesk")))
    assert "gateways_file_unreadable" not in (node.folder / "gateway.log").read_text()
    node.serve(node.container("Deployment", "slm-model"), "/health")
