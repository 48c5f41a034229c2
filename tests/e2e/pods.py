"""Pods that tests start on the node: one that serves, one that asks and ends. Both pass Pod Security `restricted`."""

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

from e2e.node import Node, wait_until

SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
# While connections are refused, or lead nowhere, it asks again: kube-proxy hears of a pod a moment after it is Ready,
# and before it has heard of a Service, that address is on the node's default route, where nobody has it.
ASK = """\
import errno, json, os, time, urllib.request, urllib.error

NOT_YET = {errno.ECONNREFUSED, errno.EHOSTUNREACH}

def ask():
    request = urllib.request.Request(os.environ["URL"], os.environ.get("BODY", "").encode() or None, {
        "Content-Type": "application/json", "Authorization": "Bearer " + os.environ.get("KEY", "")})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError as trouble:
        cause = getattr(trouble, "reason", trouble)
        if getattr(cause, "errno", None) not in NOT_YET or time.monotonic() > deadline:
            return 0, str(trouble)
        return None

deadline = time.monotonic() + 20
while (answer := ask()) is None:
    time.sleep(0.2)
print(json.dumps(dict(zip(("status", "body"), answer))))
"""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """status: 0 when nobody answered; body then says why."""

    status: int
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def namespace(name: str) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(name: str, image: str, command: list[str], **container: Any) -> dict[str, Any]:
    spec = {
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "securityContext": SECURITY,
        "containers": [
            {
                "name": "main",
                "image": image,
                "imagePullPolicy": "Never",
                "command": command,
                "securityContext": CONTAINER_SECURITY,
                **container,
            }
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def ask_from_a_pod(node: Node, where: str, url: str, *, image: str, body: Any = None, key: str = "") -> Answer:
    """The answer of an HTTP server as a pod of the namespace ``where`` gets it."""
    name = f"client-{next(_numbers)}"
    facts = {"URL": url, "BODY": "" if body is None else json.dumps(body), "KEY": key}
    environment = [{"name": variable, "value": value} for variable, value in facts.items()]
    client = pod(name, image, ["python3", "-c", ASK], env=environment)
    client["metadata"]["namespace"] = where
    node.apply(client)
    wait_until(lambda: _has_ended(node, where, name), f"{name} did not end")
    said = node.pod_log(where, name).splitlines()[-1].split(" ", 3)[3]  # time, stream, flag, text
    node.kubectl("delete", "pod", name, "-n", where, "--grace-period=0", "--wait=false")
    return Answer(**json.loads(said))


def _has_ended(node: Node, where: str, name: str) -> bool:
    state = node.plane.ask("GET", f"/api/v1/namespaces/{where}/pods/{name}").body["status"].get("phase")
    return state in {"Succeeded", "Failed"}
