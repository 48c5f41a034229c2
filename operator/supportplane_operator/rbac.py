"""Permissions from the table that clients and watches are made from: ``python -m supportplane_operator.rbac``.

Without arguments it prints the ClusterRole of an operator that serves every namespace. With --namespaced it prints what
an operator with ``watchNamespaces`` needs: a Role for each of them, and a ClusterRole for the one kind without
namespaces. Both print the Role for its Lease; none allows to read a Secret. The chart contains the same rules; a test
compares.
"""

import sys
from collections.abc import Iterable
from typing import Any

from supportplane_crds.names import GROUP
from supportplane_operator.documents import yaml_text
from supportplane_operator.resources import (
    AGENT,
    AGENT_CLASS,
    BASE,
    CHILDREN,
    ENDPOINT,
    ENDPOINT_SLICE,
    EVENT,
    LEASE,
    OWN_KINDS,
    POD,
    Resource,
)

NAME = "supportplane-operator"
Rule = dict[str, list[str]]
_API_VERSION = "rbac.authorization.k8s.io/v1"
_WITH_STATUS = (AGENT, ENDPOINT, BASE)
# kopf learns from these which kinds and namespaces there are; both may be refused in a namespaced installation.
_DISCOVERY = (
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]},
)


def cluster_rules() -> list[Rule]:
    """Of an operator that serves the whole cluster."""
    return [*_rules(_used()), *_subresources(), *_copies(_DISCOVERY)]


def namespace_rules() -> list[Rule]:
    """In each namespace of an operator that serves only some."""
    return [*_rules(each for each in _used() if each.is_namespaced), *_subresources()]


def global_rules() -> list[Rule]:
    """Of the same operator in the whole cluster."""
    return [*_rules((AGENT_CLASS,)), *_copies(_DISCOVERY)]


def lease_rules() -> list[Rule]:
    """In the operator's own namespace."""
    return _rules((LEASE,))


def manifests(*, namespaced: bool) -> tuple[dict[str, Any], ...]:
    lease = _role("Role", f"{NAME}-lease", lease_rules())
    if not namespaced:
        return (_role("ClusterRole", NAME, cluster_rules()), lease)
    return (_role("ClusterRole", NAME, global_rules()), _role("Role", NAME, namespace_rules()), lease)


def _used() -> tuple[Resource, ...]:
    return (*OWN_KINDS, *CHILDREN, POD, EVENT, ENDPOINT_SLICE)


def _rules(resources: Iterable[Resource]) -> list[Rule]:
    """One rule for all resources of a group with the same verbs, in a stable order."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for each in resources:
        found.setdefault((each.group, each.verbs), []).append(each.plural)
    return [
        {"apiGroups": [group], "resources": sorted(plurals), "verbs": list(verbs)}
        for (group, verbs), plurals in sorted(found.items())
    ]


def _subresources() -> list[Rule]:
    """Status, and the finalizers that a child's blockOwnerDeletion needs where that admission plugin is on."""
    plurals = sorted(each.plural for each in _WITH_STATUS)
    return [
        {"apiGroups": [GROUP], "resources": [f"{each}/status" for each in plurals], "verbs": ["patch"]},
        {"apiGroups": [GROUP], "resources": [f"{each}/finalizers" for each in plurals], "verbs": ["update"]},
    ]


def _copies(rules: Iterable[Rule]) -> list[Rule]:
    return [dict(each) for each in rules]


def _role(kind: str, name: str, rules: list[Rule]) -> dict[str, Any]:
    return {"apiVersion": _API_VERSION, "kind": kind, "metadata": {"name": name}, "rules": rules}


def main(arguments: list[str]) -> None:
    sys.stdout.write(yaml_text(manifests(namespaced="--namespaced" in arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
