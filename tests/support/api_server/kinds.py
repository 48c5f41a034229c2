"""The kinds that the server in memory has: built-in ones that the operator touches, and those of definitions.

The schema of the built-in kinds is what a real API server publishes (``published``). Which of them count generations
and which parts never change is written in Kubernetes' code; the conformance suite compares both with a real one.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from support.api_server.refusals import About, not_modelled
from support.api_server.shapes import OBJECT_META, Node, reference
from support.api_server.values import check_modelled

_SET_FIELDS = {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "minReadySeconds"}


@dataclass(frozen=True)
class Kind:
    """schema: as in ``shapes``. fixed: fields of the specification that never change; free: where only these may."""

    group: str
    version: str
    kind: str
    plural: str
    schema: Node = field(compare=False)
    is_namespaced: bool = True
    is_builtin: bool = True
    has_status: bool = False
    has_generation: bool = False
    fixed: frozenset[str] = frozenset()
    free: frozenset[str] | None = None
    needs_version: bool = False
    counted_metadata: str = ""  # besides the specification, what a generation counts

    @cached_property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def about(self, name: str) -> About:
        """For a refusal about the resource."""
        return About(name, self.plural, self.group)

    def about_object(self, name: str) -> About:
        """For a refusal about the values of an object."""
        return About(name, self.kind, self.group)


def _core(kind: str, plural: str, **more: Any) -> Kind:
    return Kind("", "v1", kind, plural, reference(f"io.k8s.api.core.v1.{kind}"), **more)


def _other(group: str, version: str, kind: str, plural: str, **more: Any) -> Kind:
    """The published name of a schema has the group without its domain."""
    schema = reference(f"io.k8s.api.{group.partition('.')[0]}.{version}.{kind}")
    return Kind(group, version, kind, plural, schema, **more)


_COUNTED: dict[str, Any] = {"has_status": True, "has_generation": True}
BUILTIN = (
    _core("Namespace", "namespaces", is_namespaced=False, has_status=True),
    _core("ConfigMap", "configmaps"),
    _core("Service", "services", has_status=True),
    _core("ServiceAccount", "serviceaccounts"),
    _core("PersistentVolumeClaim", "persistentvolumeclaims", has_status=True),
    _core("Pod", "pods", has_status=True, has_generation=True),
    _core("Event", "events"),
    _other(
        *("apps", "v1", "Deployment", "deployments"),
        **_COUNTED,
        fixed=frozenset({"selector"}),
        counted_metadata="annotations",
    ),
    _other("apps", "v1", "StatefulSet", "statefulsets", **_COUNTED, free=frozenset(_SET_FIELDS)),
    _other("batch", "v1", "Job", "jobs", **_COUNTED, fixed=frozenset({"template", "selector"})),
    _other("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", has_status=True),
    _other("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", **_COUNTED),
    _other("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", has_generation=True),
    _other("networking.k8s.io", "v1", "Ingress", "ingresses", **_COUNTED),
    _other("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", has_generation=True, counted_metadata="labels"),
    _other("coordination.k8s.io", "v1", "Lease", "leases", needs_version=True),
)


def defined(definition: dict[str, Any]) -> Kind:
    """The kind of a CustomResourceDefinition with one version."""
    spec = definition["spec"]
    if len(spec["versions"]) != 1 or "conversion" in spec:
        raise not_modelled("a definition with several versions")
    (version,) = spec["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    fields = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, **schema.get("properties", {})}
    # The rules about metadata stand at the root; the metadata themselves are what every object has.
    fields["metadata"] = reference(OBJECT_META)
    whole = {**schema, "properties": fields}
    check_modelled(whole)
    return Kind(
        spec["group"],
        version["name"],
        spec["names"]["kind"],
        spec["names"]["plural"],
        whole,
        is_namespaced=spec["scope"] == "Namespaced",
        is_builtin=False,
        has_status="status" in version.get("subresources", {}),
        has_generation=True,
        needs_version=True,
    )
