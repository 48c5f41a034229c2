"""The agent of the suite: crds/samples/cluster.yaml on the node, with the Secrets, documents and model that it names.

`Helpdesk` applies it for the operator, or what `supportplane render` makes of it where there is none; asks it through
its Service; and reads what its status and `supportplane why` tell.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from e2e.node import Node, wait_until
from e2e.parts import Outside
from e2e.pods import Answer, ask_from_a_pod, namespace
from support.repository import REPOSITORY
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces.keys import KeyKind

SAMPLE = REPOSITORY / "crds/samples/cluster.yaml"
AGENT = "helpdesk"
MODEL = "own-server"
MODEL_SECRET = "model-token"
DATABASE_SECRET = "helpdesk-database"
READY_S = 240.0  # 2 cores, busy with other things too, start ten Python programs and index the documents
TELL_S = 120.0  # the status tells within 30 s where nothing else runs; what it took is printed, not judged
QUESTION = "How long does a customer have to send a parcel back?"
# By default two revisions and their jobs ask for more than the 2 cores of a small machine.
SMALL = {role: {"resources": {"requests": {"cpu": "50m"}}} for role in ("gateway", "orchestrator", "knowledge")}
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
    """space: the agent's namespace, and its database's name."""

    node: Node
    outside: Outside
    image: str
    space: str
    key: str = field(default_factory=lambda: mint_key(KeyKind.SECRET))

    def prepare(self) -> None:
        """All that the sample names; returns when the namespace takes pods."""
        self.outside.postgres.create_database(self.space)
        articles = named("v1", "ConfigMap", "helpdesk-articles", data=ARTICLES)
        secrets = (
            secret("helpdesk-cache", uri=self.outside.cache_url),
            secret("helpdesk-api-keys", suite=self.key),
            secret(MODEL_SECRET, **{"api-key": self.outside.model.spec.api_key}),
        )
        self.node.apply(namespace(self.space), *self._here(articles, *secrets))
        self.set_database_password(self.outside.postgres.spec.role_password)

    def set_database_password(self, password: str) -> None:
        """In the Secret, not in the database."""
        uri = self.outside.database_url(self.space, password=password)
        self.node.apply(*self._here(secret(DATABASE_SECRET, uri=uri)))

    def apply(self) -> None:
        objects = sample(self.outside)
        objects[0]["spec"]["workloads"] = SMALL
        self.node.apply(*self._here(*objects))

    def exists(self) -> bool:
        return self.node.try_kubectl("get", "supportagent", AGENT, "-n", self.space).returncode == 0

    def apply_rendered(self) -> None:
        """The manifests exactly as the operator would apply them; one pod of each, to leave room for other agents."""
        file = self.node.folder / "agent.yaml"
        objects = sample(self.outside)
        objects[0]["spec"] |= {"images": {"runtime": self.image}, "scaling": {"replicas": 1}, "workloads": SMALL}
        with file.open("w") as stream:
            YAML().dump_all(objects, stream)
        done = supportplane("render", "-f", str(file), "--namespace", self.space)
        assert done.returncode == 0, done.stderr
        self.node.kubectl("apply", "--server-side", "-n", self.space, "-f", "-", stdin=done.stdout)

    def is_available(self) -> bool:
        """Every Deployment of the agent has all its pods ready, as it is now, and its documents are read."""
        deployments = self.node.get("deployments", "-n", self.space)["items"]
        jobs = self.node.get("jobs", "-n", self.space)["items"]
        are_read = all(one["status"].get("succeeded") for one in jobs)
        return bool(deployments) and all(map(is_rolled_out, deployments)) and are_read

    def status(self) -> dict[str, Any]:
        """Empty while it speaks of an earlier specification, or of nothing."""
        agent = self.node.get("supportagent", AGENT, "-n", self.space)
        status: dict[str, Any] = agent.get("status", {})
        return status if status.get("observedGeneration") == agent["metadata"]["generation"] else {}

    def says(self, kind: str, status: str, *reasons: str) -> bool:
        """Whether the condition is so, for one of the reasons if any are given."""
        found: dict[str, str] = next((one for one in self.status().get("conditions", ()) if one["type"] == kind), {})
        return found.get("status") == status and (not reasons or found["reason"] in reasons)

    def is_well(self) -> bool:
        """Ready with nothing wanting, all pods there, and the revision served that is specified."""
        status = self.status()
        conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
        good = {"Ready": "True", "Degraded": "False", "Progressing": "False"}
        is_good = good.items() <= conditions.items()
        is_rolled_out = status.get("revision") == status.get("updateRevision")
        return is_good and is_rolled_out and self.is_available()

    def wait_for(self, kind: str, status: str, *reasons: str, deadline_s: float = TELL_S) -> float:
        """Seconds until the status says so."""
        return self.wait(lambda: self.says(kind, status, *reasons), f"{kind} is not {status}", deadline_s=deadline_s)

    def wait(self, is_so: Callable[[], bool], complaint: str, *, deadline_s: float) -> float:
        """Seconds until it is so. The failure shows what a person is told."""
        began = time.monotonic()
        try:
            wait_until(is_so, complaint, deadline_s=deadline_s)
        except AssertionError as late:
            raise AssertionError(f"{late}: {json.dumps(self.status(), indent=1)}\n{self.why()}") from late
        return time.monotonic() - began

    def why(self) -> str:
        """What `supportplane why` prints."""
        return supportplane("why", AGENT, "-n", self.space, f"--kubeconfig={self.node.kubeconfig}").stdout

    def told(self) -> str:
        """What a person reads who asks how the agents are."""
        listing = self.node.kubectl("get", "sagent", "-A")
        return f"$ kubectl get sagent -A\n{listing}\n$ supportplane why {AGENT}\n{self.why()}"

    def patch(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        change = json.dumps({"spec": spec})
        self.node.kubectl("patch", kind, name, "-n", self.space, "--type=merge", "-p", change)

    def ask(self, question: str = QUESTION) -> Answer:
        """From a pod, through the Service, as a customer's own backend would."""
        url = f"http://{AGENT}-gateway.{self.space}.svc/api/v1/query"
        body = {"query": question, "user_id": "ada"}
        return ask_from_a_pod(self.node, self.space, url, image=self.image, body=body, key=self.key)

    def pods(self, component: str) -> list[str]:
        """Those that stay; of an earlier rollout some may still be on their way out."""
        selector = f"supportplane.io/agent={AGENT},app.kubernetes.io/component={component}"
        found = [one["metadata"] for one in self.node.get("pods", "-n", self.space, "-l", selector)["items"]]
        return [one["name"] for one in found if "deletionTimestamp" not in one]

    def kill(self, component: str) -> None:
        """One of its pods, at once."""
        self.node.kubectl("delete", "pod", self.pods(component)[0], "-n", self.space, "--grace-period=0", "--force")

    def _here(self, *objects: dict[str, Any]) -> list[dict[str, Any]]:
        return [one | {"metadata": one["metadata"] | {"namespace": self.space}} for one in objects]


def is_rolled_out(deployment: dict[str, Any]) -> bool:
    """Its controller has seen its last change, and all pods are of that and ready."""
    status = deployment["status"]
    is_seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = {status.get(f"{kind}eplicas", 0) for kind in ("r", "updatedR", "readyR")}
    return is_seen and counts == {deployment["spec"]["replicas"]}


def sample(outside: Outside) -> list[dict[str, Any]]:
    """The sample's objects, the agent first; its model endpoint is pointed at the real server."""
    objects = list(YAML(typ="safe", pure=True).load_all(SAMPLE.read_text()))
    endpoint = next(one["spec"] for one in objects if one["kind"] == "ModelEndpoint")
    credentials = {"name": MODEL_SECRET, "key": "api-key"}
    endpoint |= {"url": outside.model_url, "model": outside.model.spec.name, "credentialsSecretRef": credentials}
    return objects


def supportplane(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("supportplane")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def named(version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}


def secret(name: str, **values: str) -> dict[str, Any]:
    return named("v1", "Secret", name, stringData=values)
