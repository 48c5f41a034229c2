"""Every kind that the operator touches, with what it does to it: one table for clients, watches and permissions.

``observe`` and ``apply`` make their requests from it, ``rbac`` its rules, so none can know of a kind that the others
do not. Nothing else in the operator spells a plural or an API version of a client.
"""

from dataclasses import dataclass
from typing import Any

from lightkube.core.resource import ApiInfo
from lightkube.generic_resource import (
    GenericGlobalResource,
    GenericNamespacedResource,
    GenericNamespacedStatus,
    create_api_info,
)

from supportplane_crds.names import GROUP, VERSION

READ = ("list", "watch")
OWN = (*READ, "patch")  # the finalizer; the status is a resource of its own
CHILD = ("get", *READ, "create", "patch", "delete")  # get: whether one of a conflict is ours; sources of documents


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind. verbs: what the operator may do to it. is_optional: a cluster may lack it."""

    group: str
    version: str
    kind: str
    plural: str
    verbs: tuple[str, ...] = CHILD
    is_namespaced: bool = True
    is_optional: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def capability(self) -> str:
        """As in ``Snapshot.capabilities``."""
        return f"{self.api_version}/{self.kind}"


AGENT = Resource(GROUP, VERSION, "SupportAgent", "supportagents", OWN)
AGENT_CLASS = Resource(GROUP, VERSION, "SupportAgentClass", "supportagentclasses", READ, is_namespaced=False)
ENDPOINT = Resource(GROUP, VERSION, "ModelEndpoint", "modelendpoints", OWN)
BASE = Resource(GROUP, VERSION, "KnowledgeBase", "knowledgebases", OWN)
OWN_KINDS = (AGENT, AGENT_CLASS, ENDPOINT, BASE)

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps")
STATEFUL_SET = Resource("apps", "v1", "StatefulSet", "statefulsets")
CHILDREN = (
    CONFIG_MAP,
    Resource("", "v1", "Service", "services"),
    Resource("", "v1", "ServiceAccount", "serviceaccounts"),
    Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    Resource("apps", "v1", "Deployment", "deployments"),
    STATEFUL_SET,
    Resource("batch", "v1", "Job", "jobs"),
    Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    Resource("networking.k8s.io", "v1", "Ingress", "ingresses"),
    Resource("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", is_optional=True),
    Resource("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects", is_optional=True),
    Resource("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors", is_optional=True),
    Resource("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules", is_optional=True),
    Resource("postgresql.cnpg.io", "v1", "Cluster", "clusters", is_optional=True),
    Resource("cert-manager.io", "v1", "Certificate", "certificates", is_optional=True),
)
POD = Resource("", "v1", "Pod", "pods", READ)
EVENT = Resource("", "v1", "Event", "events", ("list", "create"))
ENDPOINT_SLICE = Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", ("list",))
LEASE = Resource("coordination.k8s.io", "v1", "Lease", "leases", ("get", "create", "update"))

BY_KIND = {each.kind: each for each in (*OWN_KINDS, *CHILDREN, POD)}


def typed(resource: Resource) -> Any:
    """The class by which lightkube speaks of a namespaced kind. Its objects are dicts, which its types do not say."""
    info = create_api_info(resource.group, resource.version, resource.kind, resource.plural)
    return type(resource.kind, (GenericNamespacedResource,), {"_api_info": info})


def typed_status(resource: Resource) -> Any:
    """The class of a namespaced kind's status subresource."""
    whole = create_api_info(resource.group, resource.version, resource.kind, resource.plural).resource
    info = ApiInfo(resource=whole, parent=whole, plural=resource.plural, verbs=["patch"], action="status")
    return type(f"{resource.kind}Status", (GenericNamespacedStatus,), {"_api_info": info})


def typed_global(resource: Resource) -> Any:
    """The same for a kind without namespaces."""
    info = create_api_info(resource.group, resource.version, resource.kind, resource.plural)
    return type(resource.kind, (GenericGlobalResource,), {"_api_info": info})
