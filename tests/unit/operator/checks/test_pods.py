import pytest

from support.operator.samples import pod, waiting
from supportplane_crds import Reason
from supportplane_operator.checks.pods import obstacles_of
from supportplane_operator.snapshot import Manifest

UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "message": "0/3 nodes are available: 3 Insufficient memory.",
}
NO_CLAIM = {"type": "PodScheduled", "status": "False", "message": 'persistentvolumeclaim "documents" not found'}
ENDED = {"lastState": {"terminated": {"exitCode": 2, "reason": "Error"}}}
STARVED = {"lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
IMAGE_MESSAGE = (
    "Pod p: image registry.example/x:1 cannot be pulled; correct the image's name, or add imagePullSecrets for its "
    "registry"
)
ROOM_MESSAGE = (
    "Pod p has no node: 0/3 nodes are available: 3 Insufficient memory; add nodes, or ask for less in spec.workloads"
)
TABLE: dict[str, tuple[Manifest, Reason, str]] = {
    "a missing Secret": (
        waiting("CreateContainerConfigError", 'secret "pg" not found'),
        Reason.SECRET_NOT_FOUND,
        "Secret pg does not exist in the agent's namespace; create it, or name another one",
    ),
    "a missing key": (
        waiting("CreateContainerConfigError", "couldn't find key uri in Secret acme/pg"),
        Reason.SECRET_NOT_FOUND,
        "Secret pg has no key uri; add it",
    ),
    "a missing ConfigMap": (
        waiting("CreateContainerConfigError", 'configmap "articles" not found'),
        Reason.CONFIG_MAP_NOT_FOUND,
        "ConfigMap articles does not exist in the agent's namespace; create it, or name another one",
    ),
    "an image that cannot be pulled": (
        waiting("ImagePullBackOff", "Back-off pulling image"),
        Reason.IMAGE_PULL_FAILED,
        IMAGE_MESSAGE,
    ),
    "a crash": (
        waiting("CrashLoopBackOff", "back-off 10s", **ENDED),
        Reason.CRASH_LOOPING,
        "Pod p: container c ended with exit code 2 and is started again and again; see kubectl logs p",
    ),
    "too little memory": (
        waiting("CrashLoopBackOff", "", **STARVED),
        Reason.CRASH_LOOPING,
        "Pod p: container c needs more memory than its limit; see kubectl logs p",
    ),
    "no room": (
        {"conditions": [UNSCHEDULABLE]},
        Reason.UNSCHEDULABLE,
        ROOM_MESSAGE,
    ),
    "a missing claim": (
        {"conditions": [NO_CLAIM]},
        Reason.VOLUME_CLAIM_NOT_FOUND,
        "PersistentVolumeClaim documents does not exist in the agent's namespace; create it, or name another one",
    ),
}


@pytest.mark.parametrize(("status", "reason", "message"), TABLE.values(), ids=TABLE)
def test_a_pod_says_what_it_waits_for_and_what_to_do(status: Manifest, reason: Reason, message: str) -> None:
    (found,) = obstacles_of([pod("p", "gateway", **status)])
    assert (found.pod, found.component, found.reason, found.message) == ("p", "gateway", reason, message)


FINE: dict[str, Manifest] = {
    "ready": {"conditions": [{"type": "Ready", "status": "True"}], **waiting("CrashLoopBackOff")},
    "done": {"phase": "Succeeded"},
    "starting": waiting("ContainerCreating"),
    "new": {},
}


@pytest.mark.parametrize("status", FINE.values(), ids=FINE)
def test_a_pod_on_its_way_is_no_obstacle(status: Manifest) -> None:
    assert obstacles_of([pod("p", "gateway", **status)]) == ()


def test_what_cannot_be_mounted_is_told_by_events_of_that_pod() -> None:
    message = 'MountVolume.SetUp failed for volume "api-keys" : secret "keys" not found'
    event = {"type": "Warning", "involvedObject": {"kind": "Pod", "name": "p"}, "message": message}
    (found,) = obstacles_of([pod("p", "gateway"), pod("q", "gateway")], [event])
    assert (found.pod, found.reason) == ("p", Reason.SECRET_NOT_FOUND)
    assert found.message.startswith("Secret keys does not exist")


def test_a_pod_that_has_begun_waits_for_nothing_that_it_waited_for_before() -> None:
    event = {"involvedObject": {"kind": "Pod", "name": "p"}, "message": 'Error: secret "keys" not found'}
    states: tuple[Manifest, ...] = ({"running": {}}, {"terminated": {"exitCode": 1}})
    for state in states:
        begun = pod("p", "gateway", containerStatuses=[{"name": "gateway", "state": state}])
        assert obstacles_of([begun], [event]) == ()


def test_a_pod_that_is_being_deleted_waits_for_nothing() -> None:
    leaving = pod("p", "gateway", **waiting("CrashLoopBackOff"))
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert obstacles_of([leaving]) == ()
