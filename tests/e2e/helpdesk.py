"""The agent of the suite: crds/samples/cluster.yaml on the node, with the Secrets, documents and model that it names.

`Helpdesk` applies what `supportplane render` makes of the sample, and asks the agent through its Service.
"""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from e2e.images import REPOSITORY
from e2e.node import Node
from e2e.parts import Outside
from e2e.pods import Answer, ask_from_a_pod, namespace
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces import KeyKind

SAMPLE = REPOSITORY / "crds/samples/cluster.yaml"
SPACE = "acme"
AGENT = "helpdesk"
MODEL_SECRET = "model-token"
DATABASE_SECRET = "helpdesk-database"
QUESTION = "How long does a customer have to send a parcel back?"
ARTICLES = {
    "returns.md": (
        "# Returns\n\n## Sending a parcel back\n\nA customer has 42 days to send a parcel back, counted from delivery. "
        "The return label is printed from the order page.\n\n## Refunds\n\nThe money arrives five working days after "
        "the warehouse has received the parcel.\n"
    ),
    "delivery.md": (
        "# Delivery\n\n## Delivery times\n\nStandard delivery takes three working days. Express delivery takes one "
        "working day and costs nine euros.\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Helpdesk:
    node: Node
    outside: Outside
    image: str
    key: str = field(default_factory=lambda: mint_key(KeyKind.SECRET))

    def prepare(self) -> None:
        """All that the sample names; returns when the namespace takes pods."""
        self.node.apply(
            namespace(SPACE),
            secret(DATABASE_SECRET, uri=self.outside.database_url),
            secret("helpdesk-cache", uri=self.outside.cache_url),
            secret("helpdesk-api-keys", suite=self.key),
            secret(MODEL_SECRET, **{"api-key": self.outside.model.spec.api_key}),
            named("v1", "ConfigMap", "helpdesk-articles", data=ARTICLES),
        )

    def apply_rendered(self) -> None:
        """The manifests exactly as the operator would apply them."""
        file = self.node.folder / "agent.yaml"
        with file.open("w") as stream:
            YAML().dump_all(sample(self.outside, self.image), stream)
        program = str(Path(sys.executable).with_name("supportplane"))
        command = [program, "render", "-f", str(file), "--namespace", SPACE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self.node.kubectl("apply", "--server-side", "-n", SPACE, "-f", "-", stdin=done.stdout)

    def is_available(self) -> bool:
        """Every Deployment of the agent has all its pods ready."""
        deployments = self.node.get("deployments", "-n", SPACE)["items"]
        ready = [one["status"].get("readyReplicas") == one["spec"]["replicas"] for one in deployments]
        return bool(ready) and all(ready) and self.has_indexed()

    def has_indexed(self) -> bool:
        return all(one["status"].get("succeeded") for one in self.node.get("jobs", "-n", SPACE)["items"])

    def ask(self, question: str = QUESTION) -> Answer:
        """From a pod, through the Service, as a customer's own backend would."""
        url = f"http://{AGENT}-gateway.{SPACE}.svc/api/v1/query"
        body = {"query": question, "user_id": "ada"}
        return ask_from_a_pod(self.node, SPACE, url, image=self.image, body=body, key=self.key)

    def pods(self, component: str) -> list[str]:
        selector = f"supportplane.io/agent={AGENT},app.kubernetes.io/component={component}"
        return [one["metadata"]["name"] for one in self.node.get("pods", "-n", SPACE, "-l", selector)["items"]]


def sample(outside: Outside, image: str) -> list[dict[str, Any]]:
    """The sample's objects with our image, the model endpoint pointed at the real server."""
    objects = list(YAML(typ="safe", pure=True).load_all(SAMPLE.read_text()))
    for one in objects:
        one["metadata"]["namespace"] = SPACE
        if one["kind"] == "SupportAgent":
            one["spec"]["images"] = {"runtime": image}
        if one["kind"] == "ModelEndpoint":
            credentials = {"name": MODEL_SECRET, "key": "api-key"}
            one["spec"] |= {"url": outside.model_url, "model": outside.model.spec.name}
            one["spec"]["credentialsSecretRef"] = credentials
    return objects


def named(version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": SPACE}, **content}


def secret(name: str, **values: str) -> dict[str, Any]:
    return named("v1", "Secret", name, stringData=values)
