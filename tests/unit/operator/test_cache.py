from typing import Any

from supportplane_operator.cache import Cache, Key, owner_of

OWNER = Key("SupportAgent", "acme", "helpdesk")


def child(name: str = "helpdesk-gateway", version: int = 1, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": "acme",
            "resourceVersion": str(version),
            "labels": labels or {"supportplane.io/agent": "helpdesk"},
        },
        "spec": {"ports": [{"port": 80}]},
    }


KEY = Key("Service", "acme", "helpdesk-gateway")


def test_what_was_put_in_comes_out() -> None:
    cache = Cache()
    assert cache.put(child())
    assert cache.get(KEY) == child()
    assert cache.get(Key("Service", "acme", "other")) is None


def test_an_older_version_does_not_replace_a_newer_one() -> None:
    cache = Cache()
    cache.put(child(version=10))
    assert not cache.put(child(version=9))
    assert cache.get(KEY) == child(version=10)


def test_one_version_that_reads_in_two_ways_is_what_was_read_last() -> None:
    """While a CRD changes, a watch that began before leaves out the new fields."""
    cache = Cache()
    cache.put(child())
    whole = child() | {"spec": {"ports": [{"port": 80}], "trafficDistribution": "PreferClose"}}
    assert cache.put(whole)
    assert cache.get(KEY) == whole
    assert not cache.put({key: whole[key] for key in reversed(whole)})


def test_children_are_found_by_whom_they_were_made_for() -> None:
    cache = Cache()
    cache.put(child("b"))
    cache.put(child("a"))
    cache.put(child("c", labels={"supportplane.io/model": "slm"}))
    assert [each["metadata"]["name"] for each in cache.owned_by(OWNER)] == ["a", "b"]
    assert [each["metadata"]["name"] for each in cache.owned_by(Key("ModelEndpoint", "acme", "slm"))] == ["c"]


def test_a_child_that_changes_its_owner_leaves_the_old_one() -> None:
    cache = Cache()
    cache.put(child(version=1))
    cache.put(child(version=2, labels={"supportplane.io/agent": "other"}))
    assert cache.owned_by(OWNER) == []
    assert len(cache.owned_by(Key("SupportAgent", "acme", "other"))) == 1


def test_what_is_dropped_is_gone_everywhere() -> None:
    cache = Cache()
    cache.put(child())
    cache.drop(KEY)
    cache.drop(KEY)
    assert cache.get(KEY) is None
    assert cache.owned_by(OWNER) == []
    assert len(cache) == 0


def test_a_complete_listing_shows_what_is_missing() -> None:
    cache = Cache()
    cache.put(child("a"))
    cache.put(child("b"))
    assert cache.missing("Service", "acme", [Key("Service", "acme", "a")]) == [Key("Service", "acme", "b")]
    assert cache.missing("Service", "other", []) == []


def test_of_managed_fields_only_what_the_operator_applied_is_kept() -> None:
    ours = {"manager": "supportplane-operator", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    theirs = [
        {"manager": "kubectl", "operation": "Update", "fieldsV1": {}},
        {"manager": "supportplane-operator", "operation": "Apply", "subresource": "status", "fieldsV1": {}},
    ]
    cache, manifest = Cache(), child()
    manifest["metadata"]["managedFields"] = [*theirs, ours]
    cache.put(manifest)
    stored = cache.get(KEY)
    assert stored is not None
    assert stored["metadata"]["managedFields"] == [ours]


def test_an_object_without_labels_was_made_for_nobody() -> None:
    assert owner_of({"kind": "Service", "metadata": {"name": "x"}}) is None
