"""What every API server of these tests must do, asked over HTTP: one suite for the real one and the one in memory.

A subclass named Test... gives the fixture ``api``. Each test has a namespace of its own; what Kubernetes' controllers
put there besides is kept out by labels.
"""

import asyncio
from typing import Any

import pytest

from support.api_server.asking import (
    OWN,
    Asker,
    Object,
    config_map,
    deployment,
    endpoint,
    owned_fields,
)

DEADLINE_S = 60.0
C = {"name": "c", "image": "x"}
OTHER = {"name": "o", "image": "y"}


async def gone(api: Asker, path: str) -> None:
    """Returns when nothing is there; a collector of a real cluster takes its time."""
    async with asyncio.timeout(DEADLINE_S):
        while (await api.ask("GET", path)).status != 404:  # noqa: ASYNC110 -- the server is another process
            await asyncio.sleep(0.05)


class Creating:
    async def test_an_object_gets_an_identity_a_version_and_an_owner_of_its_fields(self, api: Asker) -> None:
        path = api.path("configmaps")
        made = await api.ask("POST", path, config_map("a", k="v"), fieldManager="me")
        assert made.status == 201
        metadata = made.body["metadata"]
        assert (made.body["kind"], made.body["apiVersion"], made.body["data"]) == ("ConfigMap", "v1", {"k": "v"})
        assert (metadata["name"], metadata["namespace"]) == ("a", api.namespace)
        assert len(metadata["uid"]) == 36
        assert metadata["creationTimestamp"].endswith("Z")
        assert owned_fields(made.body, "me", "Update") == {"f:data": {".": {}, "f:k": {}}}
        assert (await api.must("GET", f"{path}/a")) == made.body

    async def test_a_second_object_of_the_name_is_refused(self, api: Asker) -> None:
        await api.must("POST", api.path("configmaps"), config_map("a"))
        reply = await api.ask("POST", api.path("configmaps"), config_map("a"))
        assert (reply.status, reply.body) == (
            409,
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": 'configmaps "a" already exists',
                "reason": "AlreadyExists",
                "details": {"name": "a", "kind": "configmaps"},
                "code": 409,
            },
        )

    async def test_versions_rise_over_all_kinds(self, api: Asker) -> None:
        one = await api.ask("POST", api.path("configmaps"), config_map("a"))
        two = await api.ask("POST", api.path("modelendpoints", group=OWN), endpoint("b"))
        three = await api.ask("PATCH", api.path("configmaps", "a"), config_map(k="v"))
        assert one.version < two.version < three.version

    async def test_what_has_no_namespace_no_name_or_a_wrong_one_is_refused(self, api: Asker) -> None:
        nowhere = await api.ask("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("a"))
        assert (nowhere.status, nowhere.message) == (404, 'namespaces "nowhere" not found')
        unnamed = await api.ask("POST", api.path("configmaps"), config_map())
        assert (unnamed.status, unnamed.body["reason"]) == (422, "Invalid")
        assert unnamed.body["details"]["causes"][0]["field"] == "metadata.name"
        wrong = await api.ask("POST", api.path("configmaps"), config_map("A_B"))
        assert (wrong.status, wrong.body["details"]["causes"][0]["field"]) == (422, "metadata.name")
        other = await api.ask("POST", api.path("configmaps"), {**config_map("a"), "kind": "Secret"})
        assert other.status == 400

    async def test_a_kind_that_is_not_served_is_not_found(self, api: Asker) -> None:
        for path in (api.path("nopes", group="apps/v1"), api.path("clusters", group="nobody.example/v1")):
            assert (await api.ask("GET", path)).status == 404

    async def test_an_object_that_is_not_there_is_not_found(self, api: Asker) -> None:
        path = api.path("modelendpoints", "nope", OWN)
        for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"spec": {}}), ("PUT", endpoint("nope"))):
            reply = await api.ask(method, path, body and {**body, "metadata": {"name": "nope", "resourceVersion": "1"}})
            assert (reply.status, reply.body["reason"]) == (404, "NotFound")
            assert reply.message == 'modelendpoints.supportplane.io "nope" not found'
            assert reply.body["details"] == {"name": "nope", "group": "supportplane.io", "kind": "modelendpoints"}

    async def test_a_cluster_scoped_kind_has_no_namespace(self, api: Asker) -> None:
        name, path = f"class-{api.namespace}", f"/apis/{OWN}/supportagentclasses"
        body = {"apiVersion": OWN, "kind": "SupportAgentClass", "metadata": {"name": name}, "spec": {}}
        made = await api.must("POST", path, body)
        assert "namespace" not in made["metadata"]
        assert name in [each["metadata"]["name"] for each in (await api.must("GET", path))["items"]]
        await api.must("DELETE", f"{path}/{name}")


class Changing:
    async def test_a_merge_changes_what_it_names_and_removes_what_is_null(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        await api.must("POST", api.path("configmaps"), config_map("a", keep="1", change="1", go="1"))
        found = await api.must("PATCH", path, {"data": {"change": "2", "go": None}})
        assert found["data"] == {"keep": "1", "change": "2"}

    async def test_a_write_that_changes_nothing_keeps_the_version(self, api: Asker) -> None:
        made = await api.ask("POST", api.path("configmaps"), config_map("a", k="v"))
        same = await api.ask("PATCH", api.path("configmaps", "a"), config_map(k="v"))
        put = await api.ask("PUT", api.path("configmaps", "a"), made.body)
        assert made.version == same.version == put.version

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    async def test_a_write_to_an_older_version_is_a_conflict(self, api: Asker, method: str) -> None:
        made = await api.must("POST", api.path("configmaps"), config_map("a", k="1"))
        path, change = api.path("configmaps", "a"), {**config_map("a", k="3")}
        newer = await api.must("PATCH", path, config_map(k="2"))
        change["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
        reply = await api.ask(method, path, change)
        assert (reply.status, reply.body["reason"]) == (409, "Conflict")
        assert reply.body["details"] == {"name": "a", "kind": "configmaps"}
        assert "the object has been modified" in reply.message
        change["metadata"]["resourceVersion"] = newer["metadata"]["resourceVersion"]
        assert (await api.must(method, path, change))["data"] == {"k": "3"}

    async def test_a_lease_is_replaced_only_with_its_version(self, api: Asker) -> None:
        group = "coordination.k8s.io/v1"
        lease = {"apiVersion": group, "kind": "Lease", "metadata": {"name": "a"}, "spec": {"holderIdentity": "one"}}
        made = await api.must("POST", api.path("leases", group=group), lease)
        path, taken = api.path("leases", "a", group), {**made, "spec": {"holderIdentity": "two"}}
        assert (await api.ask("PUT", path, {**lease, "spec": taken["spec"]})).status == 422
        assert (await api.must("PUT", path, taken))["spec"] == taken["spec"]
        assert (await api.ask("PUT", path, {**taken, "spec": {"holderIdentity": "three"}})).status == 409

    async def test_an_object_keeps_its_identity(self, api: Asker) -> None:
        made = await api.must("POST", api.path("modelendpoints", group=OWN), endpoint("a"))
        path = api.path("modelendpoints", "a", OWN)
        assert (await api.ask("PATCH", path, {"metadata": {"uid": "b"}})).status == 422
        other = {**made, "metadata": {**made["metadata"], "uid": "b"}, "spec": {"embedded": {}, "timeout": "5s"}}
        assert (await api.ask("PUT", path, other)).status == 409
        renamed = await api.ask("PUT", path, {**made, "metadata": {**made["metadata"], "name": "b"}})
        assert (renamed.status, "does not match" in renamed.message) == (400, True)
        found = await api.must("PATCH", path, {"metadata": {"creationTimestamp": None, "generation": 7}})
        assert found["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]
        assert found["metadata"]["generation"] == 1


# Group and version, plural, a specification, a change of it, and the generations: new, with a label, changed.
YES, NO = (1, 1, 2), (None, None, None)
COUNTED: dict[str, tuple[str, str, Object, Object, tuple[int | None, ...]]] = {
    "ConfigMap": ("v1", "configmaps", {"data": {"a": "1"}}, {"data": {"a": "2"}}, NO),
    "Service": ("v1", "services", {"spec": {"ports": [{"port": 80}]}}, {"spec": {"ports": [{"port": 81}]}}, NO),
    "ServiceAccount": ("v1", "serviceaccounts", {}, {"automountServiceAccountToken": False}, NO),
    "PersistentVolumeClaim": (
        *("v1", "persistentvolumeclaims"),
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        {"metadata": {"annotations": {"a": "b"}}},
        NO,
    ),
    "Deployment": ("apps/v1", "deployments", deployment(C, replicas=0), {"spec": {"replicas": 1}}, YES),
    "StatefulSet": (
        *("apps/v1", "statefulsets"),
        {**deployment(C, serviceName="s", replicas=0), "kind": "StatefulSet"},
        {"spec": {"minReadySeconds": 1}},
        YES,
    ),
    "Job": (
        *("batch/v1", "jobs"),
        {"spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}},
        {"spec": {"backoffLimit": 3}},
        YES,
    ),
    "HorizontalPodAutoscaler": (
        *("autoscaling/v2", "horizontalpodautoscalers"),
        {"spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}}},
        {"spec": {"maxReplicas": 4}},
        NO,
    ),
    "PodDisruptionBudget": (
        *("policy/v1", "poddisruptionbudgets"),
        {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
        {"spec": {"minAvailable": 2}},
        YES,
    ),
    "NetworkPolicy": (
        *("networking.k8s.io/v1", "networkpolicies"),
        {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}},
        {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}},
        YES,
    ),
    "Ingress": (
        *("networking.k8s.io/v1", "ingresses"),
        {"spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}},
        {"spec": {"defaultBackend": {"service": {"name": "b"}}}},
        YES,
    ),
    "EndpointSlice": (
        *("discovery.k8s.io/v1", "endpointslices"),
        {"addressType": "IPv4", "endpoints": []},
        {"ports": [{"name": "http", "port": 80}]},
        (1, 2, 3),
    ),
    "Lease": ("coordination.k8s.io/v1", "leases", {"spec": {}}, {"spec": {"holderIdentity": "a"}}, NO),
    "ModelEndpoint": (OWN, "modelendpoints", {"spec": {"embedded": {}}}, {"spec": {"timeout": "5s"}}, YES),
}
FIXED: dict[str, Object] = {
    "Deployment": {"spec": {"selector": {"matchLabels": {"app": "a", "b": "c"}}}},
    "StatefulSet": {"spec": {"serviceName": "other"}},
    "Job": {"spec": {"template": {"spec": {"containers": [OTHER]}}}},
}


class Counting:
    @pytest.mark.parametrize("kind", COUNTED)
    async def test_a_generation_counts_specifications_where_the_kind_has_one(self, api: Asker, kind: str) -> None:
        group, plural, values, change, counted = COUNTED[kind]
        body = {"apiVersion": group, "kind": kind, **values, "metadata": {"name": "a"}}
        made = await api.must("POST", api.path(plural, group=group), body)
        path = api.path(plural, "a", group)
        labelled = await api.must("PATCH", path, {"metadata": {"labels": {"a": "b"}}})
        changed = await api.must("PATCH", path, change)
        assert tuple(each["metadata"].get("generation") for each in (made, labelled, changed)) == counted

    async def test_an_annotation_of_a_deployment_counts(self, api: Asker) -> None:
        path = api.path("deployments", "a", "apps/v1")
        await api.apply(path, deployment(C, replicas=0))
        found = await api.apply(path, {**deployment(C, replicas=0), "metadata": {"annotations": {"a": "b"}}})
        assert found.body["metadata"]["generation"] == 2

    @pytest.mark.parametrize("kind", FIXED)
    async def test_what_never_changes_is_refused(self, api: Asker, kind: str) -> None:
        group, plural, values, *_ = COUNTED[kind]
        body = {"apiVersion": group, "kind": kind, **values, "metadata": {"name": "a"}}
        await api.must("POST", api.path(plural, group=group), body)
        reply = await api.ask("PATCH", api.path(plural, "a", group), FIXED[kind])
        assert (reply.status, reply.body["reason"]) == (422, "Invalid")
        assert reply.body["details"]["kind"] == kind


class Applying:
    async def test_an_apply_makes_the_object_and_owns_what_it_names(self, api: Asker) -> None:
        path = api.path("deployments", "a", "apps/v1")
        container = {**C, "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}
        made = await api.apply(path, deployment(container, replicas=0))
        assert made.status == 201
        assert owned_fields(made.body, "one") == {
            "f:spec": {
                "f:replicas": {},
                "f:selector": {},
                "f:template": {
                    "f:metadata": {"f:labels": {"f:app": {}}},
                    "f:spec": {
                        "f:containers": {
                            'k:{"name":"c"}': {
                                ".": {},
                                "f:name": {},
                                "f:image": {},
                                "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
                                "f:ports": {
                                    'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
                                },
                            }
                        }
                    },
                },
            }
        }

    async def test_the_same_apply_again_writes_nothing(self, api: Asker) -> None:
        spec = {"ports": [{"name": "http", "port": 80, "targetPort": "http"}], "selector": {"a": "b"}}
        path, body = api.path("services", "a"), {"apiVersion": "v1", "kind": "Service", "spec": spec}
        first, second = await api.apply(path, body), await api.apply(path, body)
        assert (first.status, second.status) == (201, 200)
        assert first.body == second.body

    async def test_an_apply_without_manager_kind_or_the_right_name_is_refused(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        unmanaged = await api.ask("PATCH", path, config_map("a"), patch="apply")
        assert (unmanaged.status, unmanaged.body["details"]["causes"][0]["field"]) == (422, "fieldManager")
        unkind = await api.ask("PATCH", path, {"metadata": {"name": "a"}}, patch="apply", fieldManager="one")
        assert (unkind.status, unkind.body["reason"]) == (400, "BadRequest")
        assert (await api.apply(path, config_map("b"))).status == 400
        managed = {**config_map("a"), "metadata": {"name": "a", "managedFields": [{}]}}
        assert (await api.apply(path, managed)).status == 400

    async def test_a_field_that_the_kind_does_not_have_is_refused(self, api: Asker) -> None:
        for path, body in (
            (api.path("configmaps", "a"), {**config_map("a"), "dat": {}}),
            (api.path("modelendpoints", "a", OWN), endpoint("a", embedded={"modl": "x"})),
            (api.path("deployments", "a", "apps/v1"), deployment({**C, "img": "y"})),
        ):
            reply = await api.apply(path, body)
            assert (reply.status, "field not declared in schema" in reply.message) == (500, True)
            assert (await api.ask("GET", path)).status == 404

    async def test_two_entries_with_the_same_keys_are_refused(self, api: Asker) -> None:
        reply = await api.apply(api.path("deployments", "a", "apps/v1"), deployment(C, C))
        assert (reply.status, "duplicate entries for key" in reply.message) == (500, True)

    async def test_another_value_of_somebody_elses_field_is_a_conflict(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        await api.apply(path, config_map(k="1"), "one")
        before = (await api.must("GET", path))["metadata"]["resourceVersion"]
        reply = await api.apply(path, config_map(k="2", more="x"), "two")
        assert (reply.status, reply.body["reason"]) == (409, "Conflict")
        cause = {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.k"}
        assert reply.body["details"]["causes"] == [cause]
        assert (await api.must("GET", path))["metadata"]["resourceVersion"] == before

    async def test_a_conflict_is_also_with_who_wrote_without_applying(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        await api.apply(path, config_map(k="1"), "one")
        await api.must("PATCH", path, config_map(k="2"), fieldManager="kubectl")
        reply = await api.apply(path, config_map(k="1"), "one")
        assert (reply.status, '"kubectl" using v1' in reply.message) == (409, True)

    async def test_force_takes_the_field_over(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        await api.apply(path, config_map(k="1", mine="1"), "one")
        found = await api.apply(path, config_map(k="2"), "two", force=True)
        assert found.body["data"] == {"k": "2", "mine": "1"}
        assert owned_fields(found.body, "one") == {"f:data": {"f:mine": {}}}
        assert owned_fields(found.body, "two") == {"f:data": {"f:k": {}}}

    async def test_who_has_lost_every_field_is_no_owner_any_more(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        await api.apply(path, config_map(k="1"), "one")
        found = await api.apply(path, config_map(k="2"), "two", force=True)
        assert owned_fields(found.body, "one") is None

    async def test_the_same_value_is_owned_together_and_stays_for_the_last_owner(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        await api.apply(path, config_map(k="1"), "one")
        both = await api.apply(path, config_map(k="1"), "two")
        assert (both.status, owned_fields(both.body, "one")) == (200, {"f:data": {"f:k": {}}})
        left = await api.apply(path, config_map(), "one")
        assert left.body["data"] == {"k": "1"}
        assert "data" not in (await api.apply(path, config_map(), "two")).body

    async def test_a_field_that_is_no_longer_applied_goes(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        await api.apply(path, config_map(labels={"a": "1", "b": "2"}, k="1", go="1"))
        await api.must("PATCH", path, config_map(theirs="1"), fieldManager="other")
        found = await api.apply(path, config_map(labels={"a": "1"}, k="1"))
        assert found.body["data"] == {"k": "1", "theirs": "1"}
        assert found.body["metadata"]["labels"] == {"a": "1"}

    async def test_an_entry_that_is_no_longer_applied_goes_whole(self, api: Asker) -> None:
        path = api.path("deployments", "a", "apps/v1")
        await api.apply(path, deployment(C, OTHER, replicas=0))
        found = await api.apply(path, deployment(C, replicas=0))
        assert [each["name"] for each in containers(found.body)] == ["c"]

    async def test_an_entry_of_two_owners_keeps_what_the_other_wants(self, api: Asker) -> None:
        path = api.path("deployments", "a", "apps/v1")
        await api.apply(path, deployment(C, {**OTHER, "workingDir": "/a"}, replicas=0), "one")
        theirs = deployment({"name": "o", "env": [{"name": "A", "value": "1"}]})
        theirs["spec"] = {"template": {"spec": theirs["spec"]["template"]["spec"]}}
        await api.apply(path, theirs, "two")
        reply = await api.apply(path, deployment(C, {"name": "o", "image": "y"}, replicas=0), "one")
        (_, other) = containers(reply.body)
        assert other["env"] == [{"name": "A", "value": "1"}]
        assert "workingDir" not in other

    async def test_entries_of_two_owners_stand_together(self, api: Asker) -> None:
        path = api.path("deployments", "a", "apps/v1")
        await api.apply(path, deployment({**C, "env": [{"name": "A", "value": "1"}]}, replicas=0), "one")
        theirs: Object = {"containers": [{"name": "c", "env": [{"name": "B", "value": "2"}]}, OTHER]}
        more = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": theirs}}}
        found = await api.apply(path, more, "two")
        assert found.status == 200
        assert {each["name"] for each in containers(found.body)} == {"c", "o"}
        assert {each["name"] for each in containers(found.body)[0]["env"]} == {"A", "B"}
        again = await api.apply(path, deployment({**C, "env": [{"name": "A", "value": "1"}]}, replicas=0), "one")
        assert {each["name"] for each in containers(again.body)} == {"c", "o"}

    async def test_a_list_without_keys_is_one_value(self, api: Asker) -> None:
        path = api.path("deployments", "a", "apps/v1")
        await api.apply(path, deployment({**C, "args": ["a", "b"]}, replicas=0))
        found = await api.apply(path, deployment({**C, "args": ["b"]}, replicas=0))
        assert containers(found.body)[0]["args"] == ["b"]

    async def test_owners_and_finalizers_are_merged_by_their_keys(self, api: Asker) -> None:
        owners = [await api.must("POST", api.path("configmaps"), config_map(name)) for name in ("x", "y")]
        path = api.path("configmaps", "a")
        for manager, owner in zip(("one", "two"), owners, strict=True):
            metadata = {"ownerReferences": [reference(owner)], "finalizers": [f"example.com/{manager}"]}
            await api.apply(path, {**config_map("a"), "metadata": metadata}, manager)
        found = await api.must("GET", path)
        assert {each["name"] for each in found["metadata"]["ownerReferences"]} == {"x", "y"}
        assert found["metadata"]["finalizers"] == ["example.com/one", "example.com/two"]
        left = await api.apply(path, config_map("a"), "one")
        assert [each["name"] for each in left.body["metadata"]["ownerReferences"]] == ["y"]
        assert left.body["metadata"]["finalizers"] == ["example.com/two"]
        await api.must("PATCH", path, {"metadata": {"finalizers": None}})

    async def test_quantities_are_written_in_one_way_and_empty_fields_not_at_all(self, api: Asker) -> None:
        asked = {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": "2000m", "memory": "1.5Gi"}}
        path = api.path("deployments", "a", "apps/v1")
        body = deployment({**C, "resources": asked, "env": []}, replicas=0)
        found = await api.apply(path, {**body, "metadata": {"annotations": {}}})
        (container,) = containers(found.body)
        assert container["resources"] == {
            "requests": {"cpu": "500m", "memory": "1Gi"},
            "limits": {"cpu": "2", "memory": "1536Mi"},
        }
        assert "env" not in container
        assert "annotations" not in found.body["metadata"]

    async def test_an_apply_to_an_older_version_is_a_conflict(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        made = await api.apply(path, config_map(k="1"))
        await api.apply(path, config_map(k="2"))
        old = {**config_map(k="3"), "metadata": {"resourceVersion": str(made.version)}}
        reply = await api.apply(path, old)
        assert (reply.status, "the object has been modified" in reply.message) == (409, True)


class Reporting:
    async def test_a_status_is_written_at_its_own_endpoint_only(self, api: Asker) -> None:
        path, said = api.path("modelendpoints", "a", OWN), {"observedGeneration": 4}
        made = await api.must("POST", api.path("modelendpoints", group=OWN), {**endpoint("a"), "status": said})
        assert "status" not in made
        assert "status" not in await api.must("PATCH", path, {"status": said})
        change = {"metadata": {"labels": {"a": "b"}}, "spec": {"timeout": "5s"}, "status": said}
        found = await api.must("PATCH", f"{path}/status", change)
        assert found["status"]["observedGeneration"] == 4
        assert found["spec"] == made["spec"]
        assert "labels" not in found["metadata"]
        assert found["metadata"]["generation"] == 1
        changed = await api.must("PATCH", path, {"spec": {"timeout": "5s"}, "status": {"observedGeneration": 5}})
        assert (changed["status"], changed["metadata"]["generation"]) == (found["status"], 2)

    async def test_an_applied_status_has_an_owner_of_its_own(self, api: Asker) -> None:
        path = api.path("modelendpoints", "a", OWN)
        await api.must("POST", api.path("modelendpoints", group=OWN), endpoint("a"))
        told = {**endpoint("a"), "status": {"observedGeneration": 1, "conditions": [condition("Ready")]}}
        found = await api.apply(f"{path}/status", told, "me", force=True)
        fields = owned_fields(found.body, "me", subresource="status")
        assert fields.keys() == {"f:status"}
        assert 'k:{"type":"Ready"}' in fields["f:status"]["f:conditions"]
        again = await api.apply(f"{path}/status", told, "me", force=True)
        assert again.version == found.version

    async def test_a_condition_that_is_no_longer_told_goes(self, api: Asker) -> None:
        path = api.path("modelendpoints", "a", OWN)
        await api.must("POST", api.path("modelendpoints", group=OWN), endpoint("a"))
        for kinds in (("Ready", "Available"), ("Available",)):
            told = {**endpoint("a"), "status": {"conditions": [condition(kind) for kind in kinds]}}
            found = await api.apply(f"{path}/status", told, "me", force=True)
        assert [each["type"] for each in found.body["status"]["conditions"]] == ["Available"]

    async def test_a_status_of_nothing_is_not_found(self, api: Asker) -> None:
        reply = await api.apply(api.path("modelendpoints", "a/status", OWN), {**endpoint("a"), "status": {}})
        assert reply.status == 404

    async def test_the_status_of_a_built_in_kind_is_separate_too(self, api: Asker) -> None:
        path = api.path("ingresses", "a", "networking.k8s.io/v1")
        group, plural, values, *_ = COUNTED["Ingress"]
        said = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
        body = {"apiVersion": group, "kind": "Ingress", **values, "metadata": {"name": "a"}, "status": said}
        made = await api.must("POST", api.path(plural, group=group), body)
        assert made.get("status", {}).get("loadBalancer", {}) == {}
        found = await api.must("PATCH", f"{path}/status", {"status": said})
        assert (found["status"], found["metadata"]["generation"]) == (said, 1)


class Deleting:
    async def test_an_object_without_finalizers_is_gone_at_once(self, api: Asker) -> None:
        made = await api.must("POST", api.path("configmaps"), config_map("a"))
        found = await api.must("DELETE", api.path("configmaps", "a"), propagationPolicy="Background")
        assert (found["kind"], found["status"], found["details"]["uid"]) == (
            *("Status", "Success"),
            made["metadata"]["uid"],
        )
        assert (await api.ask("GET", api.path("configmaps", "a"))).status == 404

    async def test_finalizers_keep_an_object_until_the_last_is_taken_off(self, api: Asker) -> None:
        path, group = api.path("modelendpoints", "a", OWN), api.path("modelendpoints", group=OWN)
        await api.must("POST", group, {**endpoint(), "metadata": {"name": "a", "finalizers": ["a.b/c", "a.b/d"]}})
        first = await api.ask("DELETE", path)
        assert first.body["metadata"]["deletionGracePeriodSeconds"] == 0
        assert first.body["metadata"]["deletionTimestamp"].endswith("Z")
        assert first.body["metadata"]["generation"] == 2
        assert (await api.ask("DELETE", path)).version == first.version
        assert (await api.ask("POST", group, endpoint("a"))).status == 409
        more = await api.ask("PATCH", path, {"metadata": {"finalizers": ["a.b/c", "a.b/d", "a.b/e"]}})
        assert (more.status, "no new finalizers can be added" in more.message) == (422, True)
        await api.must("PATCH", path, {"metadata": {"finalizers": ["a.b/d"]}})
        await api.must("PATCH", path, {"metadata": {"finalizers": []}})
        assert (await api.ask("GET", path)).status == 404

    async def test_a_deletion_is_not_taken_back(self, api: Asker) -> None:
        path = api.path("configmaps", "a")
        await api.must("POST", api.path("configmaps"), {"metadata": {"name": "a", "finalizers": ["a.b/c"]}})
        gone = await api.must("DELETE", path)
        kept = await api.must("PATCH", path, {"metadata": {"deletionTimestamp": None, "labels": {"a": "b"}}})
        assert kept["metadata"]["deletionTimestamp"] == gone["metadata"]["deletionTimestamp"]
        await api.must("PATCH", path, {"metadata": {"finalizers": None}})

    async def test_what_an_object_owned_goes_with_it(self, api: Asker) -> None:
        owner, other = [await api.must("POST", api.path("configmaps"), config_map(name)) for name in ("x", "y")]
        for name, owners in (("alone", [owner]), ("shared", [owner, other])):
            metadata = {"name": name, "ownerReferences": [reference(each) for each in owners]}
            await api.must("POST", api.path("configmaps"), {"metadata": metadata})
        metadata = {
            "name": "below",
            "ownerReferences": [reference(await api.must("GET", api.path("configmaps", "alone")))],
        }
        await api.must("POST", api.path("configmaps"), {"metadata": metadata})
        await api.must("DELETE", api.path("configmaps", "x"), propagationPolicy="Background")
        for name in ("alone", "below"):
            await gone(api, api.path("configmaps", name))
        assert (await api.ask("GET", api.path("configmaps", "shared"))).status == 200

    async def test_what_an_object_owned_stays_while_the_object_does(self, api: Asker) -> None:
        path = api.path("configmaps", "x")
        owner = await api.must("POST", api.path("configmaps"), {"metadata": {"name": "x", "finalizers": ["a.b/c"]}})
        metadata = {"name": "child", "ownerReferences": [reference(owner)]}
        await api.must("POST", api.path("configmaps"), {"metadata": metadata})
        await api.must("DELETE", path, propagationPolicy="Background")
        assert (await api.ask("GET", api.path("configmaps", "child"))).status == 200
        await api.must("PATCH", path, {"metadata": {"finalizers": None}})
        await gone(api, api.path("configmaps", "child"))

    async def test_what_names_an_owner_that_is_gone_goes(self, api: Asker) -> None:
        owner = await api.must("POST", api.path("configmaps"), config_map("x"))
        await api.must("DELETE", api.path("configmaps", "x"))
        metadata = {"name": "late", "ownerReferences": [reference(owner)]}
        await api.must("POST", api.path("configmaps"), {"metadata": metadata})
        await gone(api, api.path("configmaps", "late"))


class Listing:
    async def test_a_list_is_sorted_and_has_a_version(self, api: Asker) -> None:
        for name in ("b", "a"):
            made = await api.ask("POST", api.path("services"), service(name))
        found = await api.must("GET", api.path("services"))
        assert (found["kind"], found["apiVersion"]) == ("ServiceList", "v1")
        assert [each["metadata"]["name"] for each in found["items"]] == ["a", "b"]
        assert "kind" not in found["items"][0]
        assert int(found["metadata"]["resourceVersion"]) >= made.version

    async def test_objects_of_a_custom_kind_say_their_kind_in_a_list(self, api: Asker) -> None:
        await api.must("POST", api.path("modelendpoints", group=OWN), endpoint("a"))
        (found,) = (await api.must("GET", api.path("modelendpoints", group=OWN)))["items"]
        assert (found["kind"], found["apiVersion"]) == ("ModelEndpoint", OWN)

    async def test_pages_are_all_of_the_same_moment(self, api: Asker) -> None:
        for name in ("a", "b", "c"):
            await api.must("POST", api.path("services"), service(name))
        first = await api.must("GET", api.path("services"), limit=2)
        assert first["metadata"]["remainingItemCount"] == 1
        await api.must("DELETE", api.path("services", "c"))
        await api.must("POST", api.path("services"), service("d"))
        rest = await api.must("GET", api.path("services"), limit=2, **{"continue": first["metadata"]["continue"]})
        assert [each["metadata"]["name"] for each in (*first["items"], *rest["items"])] == ["a", "b", "c"]
        assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        assert not rest["metadata"].get("continue")
        wrong = await api.ask("GET", api.path("services"), limit=2, **{"continue": "zzz"})
        assert wrong.status == 400

    @pytest.mark.parametrize(
        ("selector", "names"),
        [
            ("a=1", ["x"]),
            ("a==1,b=1", []),
            ("a!=1", ["y", "z"]),
            ("a", ["x", "y"]),
            ("!a", ["z"]),
            ("a in (1,2)", ["x", "y"]),
            ("a notin (1)", ["y", "z"]),
            ("supportplane.io/agent=helpdesk", ["z"]),
        ],
    )
    async def test_labels_select(self, api: Asker, selector: str, names: list[str]) -> None:
        sets = {"x": {"a": "1"}, "y": {"a": "2", "b": "1"}, "z": {"supportplane.io/agent": "helpdesk"}}
        for name, labels in sets.items():
            body = service(name)
            await api.must("POST", api.path("services"), {**body, "metadata": {**body["metadata"], "labels": labels}})
        found = await api.must("GET", api.path("services"), labelSelector=selector)
        assert [each["metadata"]["name"] for each in found["items"]] == names
        everywhere = await api.must("GET", "/api/v1/services", labelSelector=selector)
        here = [each for each in everywhere["items"] if each["metadata"]["namespace"] == api.namespace]
        assert [each["metadata"]["name"] for each in here] == names

    async def test_events_are_selected_by_what_they_are_about(self, api: Asker) -> None:
        for name, pod, kind in (("a", "p", "Warning"), ("b", "p", "Normal"), ("c", "q", "Warning")):
            about = {"kind": "Pod", "name": pod, "namespace": api.namespace}
            await api.must(
                "POST", api.path("events"), {"metadata": {"name": name}, "involvedObject": about, "type": kind}
            )
        fields = "involvedObject.kind=Pod,involvedObject.name=p,type=Warning"
        found = await api.must("GET", api.path("events"), fieldSelector=fields)
        assert [each["metadata"]["name"] for each in found["items"]] == ["a"]
        assert (await api.ask("GET", api.path("configmaps"), fieldSelector="data.k=v")).status == 400


class Watching:
    async def test_a_watch_tells_every_change_after_its_version(self, api: Asker) -> None:
        path = api.path("services")
        before = await api.must("GET", path)
        made = await api.ask("POST", path, service("a"))
        await api.must("PATCH", f"{path}/a", {"metadata": {"labels": {"a": "b"}}})
        await api.must("DELETE", f"{path}/a")
        version = before["metadata"]["resourceVersion"]
        events = await api.watch(path, until=lambda found: len(found) == 3, resourceVersion=version)
        assert [each["type"] for each in events] == ["ADDED", "MODIFIED", "DELETED"]
        assert events[0]["object"] == made.body
        versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in events]
        assert versions == sorted(set(versions))
        assert events[2]["object"]["metadata"]["labels"] == {"a": "b"}
        rest = await api.watch(path, until=lambda found: len(found) == 2, resourceVersion=versions[0])
        assert [each["type"] for each in rest] == ["MODIFIED", "DELETED"]

    async def test_a_watch_tells_what_happens_while_it_is_open(self, api: Asker) -> None:
        path = api.path("modelendpoints", group=OWN)
        version = (await api.must("GET", path))["metadata"]["resourceVersion"]
        watching = asyncio.ensure_future(api.watch(path, until=lambda found: len(found) == 1, resourceVersion=version))
        await api.must("POST", path, endpoint("a"))
        (event,) = await watching
        assert (event["type"], event["object"]["kind"]) == ("ADDED", "ModelEndpoint")

    async def test_a_watch_without_a_version_begins_with_what_is_there(self, api: Asker) -> None:
        path = api.path("services")
        await api.must("POST", path, service("a"))
        events = await api.watch(path, until=lambda found: len(found) == 1)
        assert [(each["type"], each["object"]["metadata"]["name"]) for each in events] == [("ADDED", "a")]

    async def test_an_object_that_no_longer_fits_is_deleted_for_who_watches(self, api: Asker) -> None:
        path = api.path("services")
        version = (await api.must("GET", path))["metadata"]["resourceVersion"]
        await api.must("POST", path, service("a"))
        for labels in ({"a": "1"}, {"a": "1", "b": "1"}, {"a": None}):
            last = await api.must("PATCH", f"{path}/a", {"metadata": {"labels": labels}})
        events = await api.watch(
            path, until=lambda found: len(found) == 3, resourceVersion=version, labelSelector="a=1"
        )
        assert [each["type"] for each in events] == ["ADDED", "MODIFIED", "DELETED"]
        gone = events[2]["object"]["metadata"]
        assert gone["labels"] == {"a": "1", "b": "1"}
        assert gone["resourceVersion"] == last["metadata"]["resourceVersion"]

    async def test_a_version_that_is_too_old_is_told_so(self, api: Asker) -> None:
        (event,) = await api.watch(api.path("modelendpoints", group=OWN), resourceVersion=1)
        assert (event["type"], event["object"]["kind"]) == ("ERROR", "Status")
        assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")

    async def test_a_watch_ends_after_its_time(self, api: Asker) -> None:
        version = (await api.must("GET", api.path("services")))["metadata"]["resourceVersion"]
        assert await api.watch(api.path("services"), for_s=1, resourceVersion=version) == []


class Validating:
    async def test_defaults_are_filled_in_and_unknown_fields_left_out(self, api: Asker) -> None:
        body = endpoint("a", embedded={}, later={"x": 1})
        made = await api.must("POST", api.path("modelendpoints", group=OWN), body)
        assert made["spec"] == {"embedded": {"model": "SmolLM2-135M-Instruct"}, "timeout": "30s"}
        named = await api.ask("POST", api.path("modelendpoints", group=OWN), body, fieldValidation="Strict")
        assert (named.status, 'unknown field "spec.later"' in named.message) == (400, True)

    @pytest.mark.parametrize(
        ("spec", "field", "reason"),
        [
            ({"embedded": []}, "spec.embedded", "FieldValueTypeInvalid"),
            ({"embedded": {"model": "x"}}, "spec.embedded.model", "FieldValueNotSupported"),
            (None, "spec", "FieldValueRequired"),
            ({"url": "nonsense", "model": "m"}, "spec.url", "FieldValueInvalid"),
            ({"embedded": {}, "url": "http://a.example", "model": "m"}, "spec", "FieldValueInvalid"),
        ],
    )
    async def test_a_wrong_value_is_refused_at_its_field(self, api: Asker, spec: Any, field: str, reason: str) -> None:
        body = {**endpoint("a"), "spec": spec} if spec is not None else {**config_map("a"), **_HEAD}
        reply = await api.ask("POST", api.path("modelendpoints", group=OWN), body)
        assert (reply.status, reply.body["reason"]) == (422, "Invalid")
        causes = {(each["field"], each["reason"]) for each in reply.body["details"]["causes"]}
        assert (field, reason) in causes
        assert reply.message.startswith('ModelEndpoint.supportplane.io "a" is invalid: ')

    async def test_a_rule_about_a_change_is_asked_when_something_changes(self, api: Asker) -> None:
        serving = {"engine": "TGI", "image": "tgi:3", "model": "a/b", "cacheSize": "1Gi"}
        await api.must("POST", api.path("modelendpoints", group=OWN), endpoint("a", serving=serving))
        path = api.path("modelendpoints", "a", OWN)
        refused = await api.ask("PATCH", path, {"spec": {"serving": {"cacheSize": "1023Mi"}}})
        assert (refused.status, "cacheSize can only grow" in refused.message) == (422, True)
        await api.must("PATCH", path, {"spec": {"serving": {"cacheSize": "2Gi"}}})

    async def test_what_a_built_in_kind_requires_is_required(self, api: Asker) -> None:
        path = api.path("deployments", "a", "apps/v1")
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 1}}
        reply = await api.apply(path, body)
        assert (reply.status, reply.body["reason"]) == (422, "Invalid")
        assert "spec.selector" in {each["field"] for each in reply.body["details"]["causes"]}


class Conformance(Creating, Changing, Counting, Applying, Reporting, Deleting, Listing, Watching, Validating):
    """All of it."""


_HEAD = {"apiVersion": OWN, "kind": "ModelEndpoint"}


def containers(found: Object) -> list[Object]:
    listed: list[Object] = found["spec"]["template"]["spec"]["containers"]
    return listed


def service(name: str) -> Object:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}


def reference(owner: Object) -> Object:
    metadata = owner["metadata"]
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": metadata["name"], "uid": metadata["uid"]}


def condition(kind: str) -> Object:
    moment = "2026-01-01T00:00:00Z"
    return {"type": kind, "status": "True", "reason": "Told", "message": "", "lastTransitionTime": moment}
