"""What keeps pods from becoming ready, read from their state: missing Secrets, images, crashes, no room.

The operator reads no Secret; that one is missing is seen here. Other checks ask; nothing here is a condition yet.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from supportplane_crds import Reason, names
from supportplane_operator.snapshot import Manifest, Snapshot

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
_CRASH = frozenset({"CrashLoopBackOff", "RunContainerError", "CreateContainerError", "StartError"})
_MISSING = (
    (Reason.SECRET_NOT_FOUND, re.compile(r'secret "(?P<name>[^"]+)" not found', re.IGNORECASE)),
    (Reason.SECRET_NOT_FOUND, re.compile(r"find key (?P<key>\S+) in Secret (?:[^/\s]+/)?(?P<name>[^\s,]+)")),
    (Reason.SECRET_NOT_FOUND, re.compile(r"references non-existent secret key: (?P<key>\S+)(?P<name>)")),
    (Reason.CONFIG_MAP_NOT_FOUND, re.compile(r'configmap "(?P<name>[^"]+)" not found', re.IGNORECASE)),
    (Reason.VOLUME_CLAIM_NOT_FOUND, re.compile(r'persistentvolumeclaim "(?P<name>[^"]+)" (?:not found|is being)')),
)
_THINGS = {
    Reason.SECRET_NOT_FOUND: "Secret",
    Reason.CONFIG_MAP_NOT_FOUND: "ConfigMap",
    Reason.VOLUME_CLAIM_NOT_FOUND: "PersistentVolumeClaim",
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a pod is not ready. message: a sentence with the object and the way out."""

    pod: str
    component: str
    revision: str | None
    job: str | None
    reason: Reason
    message: str


def obstacles(snapshot: Snapshot) -> tuple[Obstacle, ...]:
    """Of the agent's pods, in the order of their names, at most one a pod."""
    return obstacles_of(snapshot.pods, snapshot.events)


def obstacles_of(pods: Iterable[Manifest], events: Iterable[Manifest] = ()) -> tuple[Obstacle, ...]:
    known = tuple(events)
    ordered = sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    return tuple(found for pod in ordered for found in [_obstacle(pod, known)] if found is not None)


def _obstacle(pod: Manifest, events: tuple[Manifest, ...]) -> Obstacle | None:
    if is_well(pod) or "deletionTimestamp" in pod["metadata"]:
        return None
    found = next(chain(_of_containers(pod), _of_scheduling(pod), _of_events(pod, events)), None)
    if found is None:
        return None
    reason, message = found
    labels = pod["metadata"].get("labels", {})
    return Obstacle(
        pod=pod["metadata"]["name"],
        component=labels.get(names.LABEL_COMPONENT, ""),
        revision=labels.get(names.LABEL_REVISION),
        job=labels.get("batch.kubernetes.io/job-name") or labels.get("job-name"),
        reason=reason,
        message=message,
    )


def is_well(pod: Manifest) -> bool:
    """Whether the pod is ready, or has done its work."""
    status = pod.get("status", {})
    conditions = status.get("conditions") or ()
    return status.get("phase") == "Succeeded" or any(
        each.get("type") == "Ready" and each.get("status") == "True" for each in conditions
    )


def _of_containers(pod: Manifest) -> Iterator[tuple[Reason, str]]:
    status = pod.get("status", {})
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = each.get("state", {}).get("waiting")
        found = _of_waiting(pod["metadata"]["name"], each, waiting) if waiting else None
        if found is not None:
            yield found


def _of_waiting(pod: str, container: Manifest, waiting: Manifest) -> tuple[Reason, str] | None:
    word, text = waiting.get("reason", ""), waiting.get("message", "")
    if word in _IMAGE:
        return Reason.IMAGE_PULL_FAILED, (
            f"Pod {pod}: image {container.get('image', '')} cannot be pulled; correct the image's name, or add "
            "imagePullSecrets for its registry"
        )
    if word == "CreateContainerConfigError":
        return missing(text) or (Reason.CRASH_LOOPING, f"Pod {pod}: a container cannot be made: {text}")
    if word in _CRASH:
        return Reason.CRASH_LOOPING, f"Pod {pod}: {_ending(container, text)}; see kubectl logs {pod}"
    return None


def missing(text: str) -> tuple[Reason, str] | None:
    """text: the kubelet's or the scheduler's words about something that a pod needs."""
    for reason, pattern in _MISSING:
        found = pattern.search(text)
        if found:
            key = found.groupdict().get("key")
            thing = f"{_THINGS[reason]} {found['name']}".strip()
            if key:
                return reason, f"{thing} has no key {key}; add it"
            return reason, f"{thing} does not exist in the agent's namespace; create it, or name another one"
    return None


def _ending(container: Manifest, text: str) -> str:
    ended = container.get("lastState", {}).get("terminated") or {}
    if ended.get("reason") == "OOMKilled":
        return f"container {container.get('name')} needs more memory than its limit"
    code = ended.get("exitCode")
    said = f"ended with exit code {code} and is started again and again" if code is not None else text
    return f"container {container.get('name')} {said or 'is started again and again'}"


def _of_scheduling(pod: Manifest) -> Iterator[tuple[Reason, str]]:
    for each in pod.get("status", {}).get("conditions") or ():
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            text = each.get("message", "no node fits").rstrip(".")
            yield missing(text) or (
                Reason.UNSCHEDULABLE,
                f"Pod {pod['metadata']['name']} has no node: {text}; add nodes, or ask for less in spec.workloads",
            )


def _of_events(pod: Manifest, events: tuple[Manifest, ...]) -> Iterator[tuple[Reason, str]]:
    """A volume that cannot be mounted is told in events only. Where a container has begun they speak of the past."""
    containers = pod.get("status", {}).get("containerStatuses") or ()
    if any({"running", "terminated"} & each.get("state", {}).keys() for each in containers):
        return
    for each in events:
        about = each.get("involvedObject") or each.get("regarding") or {}
        if about.get("kind") == "Pod" and about.get("name") == pod["metadata"]["name"]:
            found = missing(each.get("message") or each.get("note") or "")
            if found is not None:
                yield found
