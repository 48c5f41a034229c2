"""Children, status and finalizers as they are written, on an API server in memory."""

from collections.abc import Sequence
from typing import Any

import pytest

from support.api_server.asking import owned_fields
from support.operator.in_memory import NAMESPACE, OperatorInMemory
from support.operator.samples import document
from supportplane_crds.names import FIELD_MANAGER, FINALIZER, LABEL_AGENT, LABEL_MANAGED_BY, MANAGED_BY
from supportplane_operator import apply
from supportplane_operator.errors import ClusterUnavailable, NotLeading, WriteConflict
from supportplane_operator.snapshot import ChildKey, Manifest

LABELS = {LABEL_MANAGED_BY: MANAGED_BY, LABEL_AGENT: "helpdesk"}
SERVICE = {"ports": [{"name": "http", "port": 80}], "selector": {"app": "a"}}


class Owner:
    """An agent, and what was last seen of its children."""

    def __init__(self, operator: OperatorInMemory) -> None:
        self.operator = operator
        self.raw = operator.create(
            document("SupportAgent", "helpdesk", {"template": {"model": {"modelRef": {"name": "m"}}}})
        )

    @property
    def uid(self) -> str:
        return str(self.raw["metadata"]["uid"])

    def child(self, kind: str, name: str, version: str = "v1", **values: Any) -> Manifest:
        reference = {"apiVersion": self.raw["apiVersion"], "kind": "SupportAgent", "name": "helpdesk", "uid": self.uid}
        metadata = {"name": name, "namespace": NAMESPACE, "labels": LABELS, "ownerReferences": [reference]}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **values}

    def deployment(self, *containers: Manifest, account: str = "default") -> Manifest:
        pods = {"serviceAccountName": account, "containers": list(containers)}
        template = {"metadata": {"labels": {"app": "a"}}, "spec": pods}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": template}
        return self.child("Deployment", "a", "apps/v1", spec=spec)

    async def converge(self, *wanted: Manifest, existing: dict[ChildKey, Manifest] | None = None) -> apply.Changes:
        """existing: what is known of, where that is not all that the operator made."""
        known = self.operator.children if existing is None else existing
        return await apply.converge(self.operator.writer, wanted, known, owner_uid=self.uid)


@pytest.fixture
def owner(operator: OperatorInMemory) -> Owner:
    return Owner(operator)


FOREIGN: dict[str, Manifest] = {
    "ConfigMap": {"data": {"k": "theirs"}},
    "Service": {"spec": {"ports": [{"name": "http", "port": 9}]}},
    "ServiceAccount": {"automountServiceAccountToken": True},
    "PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "9Gi"}}}
    },
}
OURS: dict[str, Manifest] = {
    "ConfigMap": {"data": {"ours": "x"}},
    "Service": {"spec": {"ports": [{"name": "other", "port": 9}]}},
    "ServiceAccount": {"automountServiceAccountToken": False},
    "PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
}


@pytest.mark.parametrize("kind", FOREIGN)
async def test_an_object_of_somebody_else_is_not_taken_over(owner: Owner, kind: str) -> None:
    operator = owner.operator
    theirs = operator.create({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, **FOREIGN[kind]})
    changes = await owner.converge(owner.child(kind, "a", **OURS[kind]), owner.child("ConfigMap", "b", data={"k": "v"}))
    (refused,) = changes.refused
    assert (refused.kind, refused.name) == (kind, "a")
    assert "was not made by the operator" in refused.reason
    assert operator.read(kind, "a") == theirs
    assert changes.applied == (("ConfigMap", "b"),)


async def test_an_object_of_ours_whose_labels_are_gone_is_taken_back(owner: Owner) -> None:
    wanted = owner.child("Service", "a", spec=SERVICE)
    await owner.converge(wanted)
    owner.operator.patch("Service", "a", {"metadata": {"labels": None}, "spec": {"selector": {"app": "b"}}})
    changes = await owner.converge(wanted)
    found = owner.operator.read("Service", "a") or {}
    assert (changes.applied, changes.refused) == ((("Service", "a"),), ())
    assert (found["spec"]["selector"], found["metadata"]["labels"]) == (SERVICE["selector"], LABELS)


async def test_an_object_of_ours_that_no_watch_told_of_yet_is_written(owner: Owner) -> None:
    for data in ("1", "2"):
        changes = await owner.converge(owner.child("ConfigMap", "a", data={"k": data}), existing={})
        assert changes.refused == ()
    assert (owner.operator.read("ConfigMap", "a") or {})["data"] == {"k": "2"}


async def test_what_somebody_changed_is_put_back_and_theirs_no_longer(owner: Owner) -> None:
    wanted = owner.child("Service", "a", spec=SERVICE)
    await owner.converge(wanted)
    owner.operator.patch("Service", "a", {"spec": {"selector": {"app": "b"}, "sessionAffinity": "ClientIP"}})
    await owner.converge(wanted)
    found = owner.operator.read("Service", "a") or {}
    assert found["spec"]["selector"] == {"app": "a"}
    assert found["spec"]["sessionAffinity"] == "ClientIP"
    theirs = owned_fields(found, "kubectl", "Update") or {}
    assert "f:selector" not in theirs["f:spec"]


async def test_what_is_as_it_should_be_is_not_written(owner: Owner) -> None:
    wanted = owner.child("Service", "a", spec=SERVICE)
    await owner.converge(wanted)
    assert not await owner.converge(wanted)
    assert sum(each.startswith("PATCH") for each in owner.operator.server.asked) == 1


async def test_a_value_that_the_server_writes_in_another_way_is_written_once(owner: Owner) -> None:
    resources = {"requests": {"cpu": "0.5", "memory": "1024Mi"}}
    wanted = owner.deployment({"name": "c", "image": "x", "resources": resources})
    assert await owner.converge(wanted)
    assert not await owner.converge(wanted)


async def test_a_field_and_an_entry_that_are_no_longer_wanted_go(owner: Owner) -> None:
    one, two = {"name": "one", "image": "x", "args": ["a"]}, {"name": "two", "image": "x"}
    await owner.converge(owner.deployment(one, two))
    await owner.converge(owner.deployment({"name": "one", "image": "x"}))
    found = owner.operator.read("Deployment", "a") or {}
    assert found["spec"]["template"]["spec"]["containers"] == [{"name": "one", "image": "x"}]


async def test_a_child_that_is_no_longer_wanted_is_deleted(owner: Owner) -> None:
    await owner.converge(owner.child("ConfigMap", "a"), owner.child("ConfigMap", "b"))
    changes = await owner.converge(owner.child("ConfigMap", "b"))
    assert changes.deleted == (("ConfigMap", "a"),)
    assert owner.operator.children.keys() == {("ConfigMap", "b")}


async def test_data_without_an_owner_is_kept(owner: Owner) -> None:
    kept = owner.child("PersistentVolumeClaim", "a", **OURS["PersistentVolumeClaim"])
    kept["metadata"]["ownerReferences"] = []
    await owner.converge(kept)
    assert (await owner.converge()).deleted == ()
    assert owner.operator.read("PersistentVolumeClaim", "a") is not None


async def test_a_child_that_is_gone_already_is_no_failure(owner: Owner) -> None:
    await owner.converge(owner.child("ConfigMap", "a"))
    known = owner.operator.children
    owner.operator.delete("ConfigMap", "a")
    assert (await owner.converge(existing=known)).deleted == (("ConfigMap", "a"),)


async def test_pods_never_run_as_an_account_of_somebody_else(owner: Owner) -> None:
    owner.operator.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "powerful"}})
    changes = await owner.converge(
        owner.child("ServiceAccount", "powerful"), owner.deployment({"name": "c", "image": "x"}, account="powerful")
    )
    assert [each.kind for each in changes.refused] == ["ServiceAccount", "Deployment"]
    assert owner.operator.children == {}


async def test_one_refusal_does_not_stop_the_rest(owner: Owner) -> None:
    changes = await owner.converge(owner.deployment(), owner.child("Service", "a", spec=SERVICE))
    assert [each.kind for each in changes.refused] == ["Deployment"]
    assert "containers" in changes.refused[0].reason
    assert changes.applied == (("Service", "a"),)


async def test_an_overloaded_server_is_no_refusal(owner: Owner) -> None:
    owner.operator.server.fail("PATCH", "/configmaps/a", 500)
    with pytest.raises(ClusterUnavailable):
        await owner.converge(owner.child("ConfigMap", "a"))
    assert (await owner.converge(owner.child("ConfigMap", "a"))).applied == (("ConfigMap", "a"),)


async def test_without_the_lease_nothing_is_asked(owner: Owner) -> None:
    owner.operator.leads = False
    with pytest.raises(NotLeading):
        await owner.converge(owner.child("Service", "a", spec=SERVICE))
    assert owner.operator.server.asked == []


async def test_the_answer_to_a_write_is_known_at_once(owner: Owner) -> None:
    await owner.converge(owner.child("ConfigMap", "a", data={"k": "v"}))
    (found,) = owner.operator.cache.owned_by(("SupportAgent", NAMESPACE, "helpdesk"))  # type: ignore[arg-type]
    assert found["data"] == {"k": "v"}


# Status, finalizer, events


async def test_a_status_is_taken_over_and_nothing_else_is_written(owner: Owner) -> None:
    operator = owner.operator
    operator.patch("SupportAgent", "helpdesk", {"status": {"url": "http://theirs"}}, at="status")
    await apply.write_status(operator.writer, owner.raw, {"url": "http://ours", "observedGeneration": 1})
    found = operator.read("SupportAgent", "helpdesk") or {}
    assert found["status"]["url"] == "http://ours"
    assert (found["spec"], found["metadata"]["generation"]) == (owner.raw["spec"], 1)
    assert "f:status" in owned_fields(found, FIELD_MANAGER, subresource="status")


async def test_what_a_status_no_longer_says_goes(owner: Owner) -> None:
    operator = owner.operator
    await apply.write_status(operator.writer, owner.raw, {"url": "http://ours", "observedGeneration": 1})
    await apply.write_status(operator.writer, owner.raw, {"observedGeneration": 1})
    assert "url" not in (operator.read("SupportAgent", "helpdesk") or {})["status"]


@pytest.mark.parametrize(
    ("wanted", "before", "after"),
    [
        (True, [], [FINALIZER]),
        (True, ["a.b/c"], ["a.b/c", FINALIZER]),
        (False, ["a.b/c", FINALIZER], ["a.b/c"]),
        (False, [FINALIZER], None),
    ],
)
async def test_only_our_finalizer_is_put_on_and_taken_off(
    owner: Owner, wanted: bool, before: Sequence[str], after: Sequence[str] | None
) -> None:
    operator = owner.operator
    raw = operator.patch("SupportAgent", "helpdesk", {"metadata": {"finalizers": list(before)}})
    await apply.set_finalizer(operator.writer, raw, wanted=wanted)
    found = operator.read("SupportAgent", "helpdesk") or {}
    assert (found["metadata"].get("finalizers") or None) == after


async def test_a_finalizer_is_not_put_on_an_agent_that_changed_meanwhile(owner: Owner) -> None:
    owner.operator.patch("SupportAgent", "helpdesk", {"metadata": {"finalizers": ["a.b/c"]}})
    with pytest.raises(WriteConflict):
        await apply.set_finalizer(owner.operator.writer, owner.raw, wanted=True)
    found = owner.operator.read("SupportAgent", "helpdesk") or {}
    assert found["metadata"]["finalizers"] == ["a.b/c"]


async def test_an_event_that_is_refused_stops_nothing(owner: Owner) -> None:
    about = {"kind": "SupportAgent", "name": "helpdesk", "namespace": NAMESPACE}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "a", "namespace": NAMESPACE}}
    for _ in range(2):  # the second has the name of the first
        await apply.write_event(owner.operator.writer, {**event, "involvedObject": about})
    nowhere = {**event, "metadata": {"name": "b", "namespace": "nowhere"}, "involvedObject": about}
    await apply.write_event(owner.operator.writer, nowhere)
    assert sum(each.startswith("POST") for each in owner.operator.server.asked) == 3


async def test_an_empty_field_that_the_server_does_not_store_is_written_once(owner: Owner) -> None:
    wanted = owner.deployment({"name": "c", "image": "registry.example/c:1", "env": [], "resources": {"limits": {}}})
    assert (await owner.converge(wanted)).applied == (("Deployment", "a"),)
    assert not await owner.converge(wanted)
    more = owner.deployment({"name": "c", "image": "registry.example/c:1", "env": [{"name": "A", "value": "b"}]})
    assert (await owner.converge(more)).applied == (("Deployment", "a"),)
    assert (await owner.converge(wanted)).applied == (("Deployment", "a"),)
    assert not await owner.converge(wanted)
