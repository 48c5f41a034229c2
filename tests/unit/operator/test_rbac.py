from supportplane_operator import rbac


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


def test_a_cluster_wide_operator_cannot_read_secrets() -> None:
    assert not [entry for entry in granted(rbac.cluster_rules()) if entry[1] == "secrets"]
    assert not [entry for entry in granted(rbac.global_rules()) if entry[1] == "secrets"]


def test_in_a_namespace_secrets_can_be_read_by_name_only() -> None:
    assert {entry for entry in granted(rbac.namespace_rules()) if entry[1] == "secrets"} == {("", "secrets", "get")}


def test_nobody_can_grant_or_run_anything_with_it() -> None:
    for _, resource, verb in granted(rbac.cluster_rules()):
        assert resource not in {"roles", "clusterroles", "rolebindings", "pods/exec", "nodes"}
        assert verb not in {"escalate", "bind", "impersonate"}
    assert {verb for _, resource, verb in granted(rbac.cluster_rules()) if resource == "pods"} == {
        "get",
        "list",
        "watch",
    }


def test_our_own_objects_are_never_created_or_deleted() -> None:
    verbs = {verb for group, _, verb in granted(rbac.cluster_rules()) if group == "supportplane.io"}
    assert verbs == {"get", "list", "watch", "patch", "update"}


def test_the_lease_is_granted_in_one_namespace_only() -> None:
    assert granted(rbac.lease_rules()) == {
        ("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update")
    }
    assert not [entry for entry in granted(rbac.cluster_rules()) if entry[1] == "leases"]
