from pathlib import Path

from supportplane_operator import rbac, resources
from supportplane_operator.resources import Resource

TABLE = {name: each for name, each in vars(resources).items() if isinstance(each, Resource)}
CODE = Path(str(resources.__file__)).parent


def granted(rules: list[rbac.Rule]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_nothing_is_granted_by_a_wildcard() -> None:
    every = (rbac.cluster_rules(), rbac.namespace_rules(), rbac.global_rules(), rbac.lease_rules())
    assert not [entry for rules in every for entry in granted(rules) if "*" in "".join(entry)]


def test_no_secret_can_be_read() -> None:
    every = (rbac.cluster_rules(), rbac.namespace_rules(), rbac.global_rules(), rbac.lease_rules())
    assert not [entry for rules in every for entry in granted(rules) if entry[1].startswith("secrets")]


def test_in_a_namespace_the_operator_may_do_what_it_may_do_everywhere() -> None:
    both = granted(rbac.namespace_rules()) | granted(rbac.global_rules())
    assert both == granted(rbac.cluster_rules())


def test_nobody_can_grant_or_run_anything_with_it() -> None:
    for _, resource, verb in granted(rbac.cluster_rules()):
        assert resource not in {"roles", "clusterroles", "rolebindings", "pods/exec", "nodes"}
        assert verb not in {"escalate", "bind", "impersonate"}
    assert {verb for _, resource, verb in granted(rbac.cluster_rules()) if resource == "pods"} == {"list", "watch"}


def test_our_own_objects_are_never_created_or_deleted() -> None:
    verbs = {verb for group, _, verb in granted(rbac.cluster_rules()) if group == "supportplane.io"}
    assert verbs == {"list", "watch", "patch", "update"}


def test_the_lease_is_granted_in_one_namespace_only() -> None:
    assert granted(rbac.lease_rules()) == {
        ("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update")
    }
    assert not [entry for entry in granted(rbac.cluster_rules()) if entry[1] == "leases"]


def test_every_kind_of_the_table_is_used_by_code_that_makes_requests() -> None:
    elsewhere = [path for path in CODE.rglob("*.py") if path.name not in {"resources.py", "rbac.py"}]
    code = "\n".join(path.read_text(encoding="utf-8") for path in elsewhere)
    listed = {*resources.CHILDREN, *resources.OWN_KINDS}
    assert "for each in (*CHILDREN, POD)" in code
    assert "for resource in OWN_KINDS" in code
    assert [name for name, each in TABLE.items() if each not in listed and f"typed({name})" not in code] == ["POD"]
