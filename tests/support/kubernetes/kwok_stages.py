"""What kwok does to nodes and pods in tests: a pod becomes ready at once, or fails the way its annotation says.

A pod template annotated ``test.supportplane.io/fate: crash`` crash-loops, ``image`` fails its image pull, ``stuck``
never leaves Pending. Nothing runs in any of them. Their address is the machine's own, where nobody listens on their
ports: whoever calls such a pod is refused at once instead of waiting.
"""

import json
from typing import Any

FATE = "test.supportplane.io/fate"
# Room for a thousand agents, whose pods ask for more than one CPU each agent.
CAPACITY = {"cpu": "100k", "memory": "100Ti", "pods": "100k", "nvidia.com/gpu": "1k"}
_HEARTBEAT_MS = 600_000

_PHASE, _FATE = ".status.phase", f'.metadata.annotations["{FATE}"]'
_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status'
_ALIVE = (".metadata.deletionTimestamp", "DoesNotExist")
_Selector = tuple[str, str] | tuple[str, str, str]
"""A path, an operator, and the value that it is compared with."""

# Templates of Go's, as kwok has them; JSON is YAML.
_NODE = """\
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
"""
_CONTAINERS = """\
{{ $now := Now }}
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, restartCount: 0, STATE}
{{ end }}
"""


def stages(pod_address: str) -> str:
    """The YAML stream for kwok's --config. pod_address: what every ready pod says its address is."""
    found = (
        _node("ready", "NotIn", f"{_NODE}phase: Running\nallocatable: {_CAPACITY}\ncapacity: {_CAPACITY}\n"),
        _node("heartbeat", "In", _NODE, delay={"durationMilliseconds": _HEARTBEAT_MS}),
        _pod("ready", _ready(pod_address), _ALIVE, (_FATE, "DoesNotExist"), (_PHASE, "In", "Pending")),
        _pod(
            "complete",
            _containers("Succeeded", "ready: false, state: {terminated: {exitCode: 0, reason: Completed}}"),
            _ALIVE,
            (_PHASE, "In", "Running"),
            (".metadata.ownerReferences.[].kind", "In", "Job"),
        ),
        _pod("crash", _crashing(), _ALIVE, (_FATE, "In", "crash"), (_PHASE, "In", "Pending")),
        _pod("image", _pulling(), _ALIVE, (_FATE, "In", "image"), (".status.containerStatuses", "DoesNotExist")),
        _stage("pod-delete", "Pod", {"delete": True}, (".metadata.deletionTimestamp", "Exists")),
    )
    return "\n---\n".join(map(json.dumps, found))


_CAPACITY = json.dumps(CAPACITY)


def _stage(name: str, kind: str, then: dict[str, Any], *when: _Selector, **more: Any) -> dict[str, Any]:
    expressions = [{"key": key, "operator": operator, "values": values} for key, operator, *values in when]
    spec = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": expressions},
        "next": then,
    }
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec | more}


def _node(name: str, operator: str, status: str, **more: Any) -> dict[str, Any]:
    return _stage(f"node-{name}", "Node", {"statusTemplate": status}, (_READY, operator, "True"), **more)


def _pod(name: str, status: str, *when: _Selector) -> dict[str, Any]:
    return _stage(f"pod-{name}", "Pod", {"statusTemplate": status}, *when)


def _containers(phase: str, state: str) -> str:
    return f"{_CONTAINERS.replace('STATE', state)}phase: {phase}\n"


def _conditions(status: str, *kinds: str) -> str:
    lines = (f'- {{type: {kind}, status: "{status}", lastTransitionTime: {{{{ Now | Quote }}}}}}' for kind in kinds)
    return "\n".join(("conditions:", *lines, ""))


def _ready(address: str) -> str:
    network = f"hostIP: {address}\npodIP: {address}\npodIPs: [{{ip: {address}}}]\nstartTime: {{{{ Now | Quote }}}}\n"
    running = _containers("Running", "ready: true, state: {running: {startedAt: {{ $now | Quote }}}}")
    return running + network + _conditions("True", "Initialized", "Ready", "ContainersReady")


def _crashing() -> str:
    waiting = "{waiting: {reason: CrashLoopBackOff, message: back-off 40s restarting failed container}}"
    state = f"ready: false, state: {waiting}, lastState: {{terminated: {{exitCode: 1, reason: Error}}}}"
    return _containers("Running", state) + _conditions("False", "Ready")


def _pulling() -> str:
    state = "ready: false, state: {waiting: {reason: ImagePullBackOff, message: no such image}}"
    return _containers("Pending", state)
