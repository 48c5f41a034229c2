"""What is known of one agent at one moment, frozen: ``observe`` fills it, everything pure works on it.

``Snapshot`` is for a SupportAgent, ``EndpointSnapshot`` for a ModelEndpoint, ``BaseSnapshot`` for a KnowledgeBase. No
I/O and no clock here; objects of the cluster are plain dicts as the API server sent them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from supportplane_crds import KnowledgeBase, ModelEndpoint, SupportAgent, SupportAgentClass
from supportplane_crds.runtime_status import RuntimeStatus

Manifest: TypeAlias = dict[str, Any]
ChildKey: TypeAlias = tuple[str, str]
"""(kind, name); everything is in the agent's namespace."""

HTTP_ROUTE = "gateway.networking.k8s.io/v1/HTTPRoute"
CERTIFICATE = "cert-manager.io/v1/Certificate"
SCALED_OBJECT = "keda.sh/v1alpha1/ScaledObject"
SERVICE_MONITOR = "monitoring.coreos.com/v1/ServiceMonitor"
PROMETHEUS_RULE = "monitoring.coreos.com/v1/PrometheusRule"
CNPG_CLUSTER = "postgresql.cnpg.io/v1/Cluster"
OPTIONAL_APIS = (HTTP_ROUTE, CERTIFICATE, SCALED_OBJECT, SERVICE_MONITOR, PROMETHEUS_RULE, CNPG_CLUSTER)
"""What a cluster may lack: each is group/version/kind, as in ``Snapshot.capabilities``."""

_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class _Stored:
    """What is known of every object that was read."""

    __slots__ = ()
    raw: Manifest

    @property
    def namespace(self) -> str:
        return self.raw.get("metadata", {}).get("namespace") or "default"

    @property
    def generation(self) -> int:
        return int(self.raw.get("metadata", {}).get("generation", 0))

    @property
    def status(self) -> Manifest:
        """The status as it was read; empty for a new object."""
        return self.raw.get("status") or {}


@dataclass(frozen=True, slots=True)
class Unread:
    """A stored object that the agent names and that this operator does not understand; sentence says why.

    is_newer: it has a field or a word that this operator does not know.
    """

    kind: str
    name: str
    sentence: str
    is_newer: bool


@dataclass(frozen=True, slots=True)
class Snapshot(_Stored):
    """One agent. raw: the object as read, with its status. unread: companions that exist, but cannot be parsed.

    runtime: None until a gateway answered; runtime_error says why it did not. sources: a digest of each ConfigMap that
    knowledge is read from, None for one that does not exist, no entry where nobody looked. events: Warning events of
    pods that say why a volume or a container could not be set up. judge: the endpoint of judgeRef, which
    may be the writer's.
    """

    agent: SupportAgent
    raw: Manifest
    agent_class: SupportAgentClass | None = None
    endpoint: ModelEndpoint | None = None
    judge: ModelEndpoint | None = None
    bases: tuple[KnowledgeBase, ...] = ()
    children: Mapping[ChildKey, Manifest] = field(default_factory=lambda: _NOTHING)
    pods: tuple[Manifest, ...] = ()
    capabilities: frozenset[str] = frozenset()
    runtime: RuntimeStatus | None = None
    runtime_error: str | None = None
    unread: tuple[Unread, ...] = ()
    sources: Mapping[ChildKey, str | None] = field(default_factory=lambda: _NOTHING)
    events: tuple[Manifest, ...] = ()

    @property
    def name(self) -> str:
        return self.agent.name

    def has(self, api: str) -> bool:
        """api: one of OPTIONAL_APIS."""
        return api in self.capabilities

    def child(self, kind: str, name: str) -> Manifest | None:
        return self.children.get((kind, name))


@dataclass(frozen=True, slots=True)
class EndpointSnapshot(_Stored):
    """One ModelEndpoint. answered: whether the address answered a probe, None when nobody asked; detail: its words."""

    endpoint: ModelEndpoint
    raw: Manifest
    children: Mapping[ChildKey, Manifest] = field(default_factory=lambda: _NOTHING)
    pods: tuple[Manifest, ...] = ()
    answered: bool | None = None
    detail: str = ""
    runtime_image: str | None = None  # from the class of an agent that uses it, for the embedded model

    @property
    def name(self) -> str:
        return self.endpoint.name

    def child(self, kind: str, name: str) -> Manifest | None:
        return self.children.get((kind, name))


@dataclass(frozen=True, slots=True)
class BaseSnapshot(_Stored):
    """One KnowledgeBase with the agents (as read, with their status) of its namespace that use it."""

    base: KnowledgeBase
    raw: Manifest
    agents: tuple[Manifest, ...] = ()
    sources: Mapping[ChildKey, str | None] = field(default_factory=lambda: _NOTHING)
