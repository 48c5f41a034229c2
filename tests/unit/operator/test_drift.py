from typing import Any

import pytest

from supportplane_operator.drift import has_leftovers, is_within, needs_apply, projected

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "s", "labels": {"a": "b"}},
    "spec": {"ports": [{"name": "http", "port": 80}], "selector": {"x": "y"}},
}


def live(**changes: Any) -> dict[str, Any]:
    """As the API server stores it: with defaults."""
    spec = {
        "clusterIP": "10.0.0.1",
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80}],
        "selector": {"x": "y"},
        "type": "ClusterIP",
    }
    return {
        **SERVICE,
        "metadata": {"name": "s", "labels": {"a": "b", "c": "d"}, "uid": "1"},
        "spec": {**spec, **changes},
    }


def owned(fields: dict[str, Any]) -> dict[str, Any]:
    found = live()
    found["metadata"]["managedFields"] = [
        {"manager": "supportplane-operator", "operation": "Apply", "fieldsV1": fields}
    ]
    return found


def test_an_object_that_is_missing_is_applied() -> None:
    assert needs_apply(SERVICE, None)


def test_defaults_and_what_others_added_are_no_drift() -> None:
    assert not needs_apply(SERVICE, live())


@pytest.mark.parametrize(
    "changes",
    [
        {"selector": {"x": "z"}},
        {"selector": {}},
        {"ports": []},
        {"ports": [{"name": "http", "port": 81}]},
        {"ports": [{"name": "http", "port": 80}, {"name": "more", "port": 81}]},
    ],
)
def test_a_changed_value_or_list_is_drift(changes: dict[str, Any]) -> None:
    assert needs_apply(SERVICE, live(**changes))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"f:spec": {"f:selector": {}}}, False),
        ({"f:spec": {"f:sessionAffinity": {}}}, True),
        ({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}, False),
        ({"f:metadata": {"f:labels": {"f:gone": {}}}}, True),
        ({"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:name": {}}}}}, False),
        ({"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}}}}}, True),
        ({"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:nodePort": {}}}}}, True),
    ],
)
def test_a_field_that_we_own_and_no_longer_want_is_left_over(fields: dict[str, Any], expected: bool) -> None:
    assert has_leftovers(SERVICE, owned(fields)) is expected
    assert needs_apply(SERVICE, owned(fields)) is expected


def test_values_of_a_set_are_compared() -> None:
    wanted = {"kind": "X", "metadata": {"finalizers": ["a"]}}
    stored = owned({"f:metadata": {"f:finalizers": {'v:"a"': {}}}})
    assert not has_leftovers(wanted, stored)
    assert has_leftovers({"kind": "X", "metadata": {"finalizers": []}}, stored)


def test_a_value_that_the_server_writes_in_another_way_is_compared_as_it_writes_it() -> None:
    wanted = {"kind": "X", "metadata": {}, "spec": {"cpu": "0.5", "list": [1]}}
    stored = {"kind": "X", "metadata": {"uid": "1"}, "spec": {"cpu": "500m", "list": [1], "more": 2}}
    normal = projected(wanted, stored)
    assert normal == {"kind": "X", "metadata": {}, "spec": {"cpu": "500m", "list": [1]}}
    assert needs_apply(wanted, stored)
    assert not needs_apply(wanted, stored, normal=normal)
    assert needs_apply(wanted, {**stored, "spec": {"cpu": "1", "list": [1]}}, normal=normal)


def test_the_pods_of_a_job_are_not_compared() -> None:
    wanted = {"kind": "Job", "metadata": {"labels": {"a": "b"}}, "spec": {"backoffLimit": 3, "template": {"x": 1}}}
    stored = {"kind": "Job", "metadata": {"labels": {"a": "b"}}, "spec": {"backoffLimit": 3, "template": {"x": 2}}}
    assert not needs_apply(wanted, stored)
    assert needs_apply(wanted, {**stored, "metadata": {}})


def test_lists_of_another_length_are_projected_as_they_are() -> None:
    assert projected({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}
    assert not is_within({"a": 1}, [])


def test_a_field_that_the_server_did_not_store_is_no_drift_afterwards() -> None:
    wanted = {"kind": "X", "metadata": {}, "spec": {"rules": [], "size": 1}}
    stored = {"kind": "X", "metadata": {}, "spec": {"size": 1}}
    normal = projected(wanted, stored)
    assert needs_apply(wanted, stored)
    assert not needs_apply(wanted, stored, normal=normal)
    assert needs_apply(wanted, {**stored, "spec": {"size": 2}}, normal=normal)
