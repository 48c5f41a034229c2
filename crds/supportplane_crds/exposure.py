"""How an agent on a cluster is reached and watched: Gateway or Ingress, API keys, network policy, monitoring."""

from typing import Annotated, ClassVar

from pydantic import Field

from supportplane_crds.lists import MapBy
from supportplane_crds.objects import ContractModel
from supportplane_crds.references import SecretRef
from supportplane_crds.resources import Labels
from supportplane_crds.rules import Rule
from supportplane_crds.text import Name, ObjectName

ONE_ROUTE = Rule(
    "size(self.parentRefs) == 0 || !has(self.ingress)",
    "set parentRefs (Gateway API) or ingress, not both",
    lambda gateway: not gateway.parent_refs or gateway.ingress is None,
)
ROUTE_NEEDS_HOST = Rule(
    "(size(self.parentRefs) == 0 && !has(self.ingress)) || size(self.hostnames) > 0",
    "parentRefs and ingress need hostnames: the names that the agent is reached by",
    lambda gateway: (not gateway.parent_refs and gateway.ingress is None) or bool(gateway.hostnames),
)


class Ingress(ContractModel):
    """An Ingress for the agent's host names."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.clusterIssuer) || has(self.tlsSecretRef)",
            "clusterIssuer needs tlsSecretRef: the Secret that cert-manager writes the certificate to",
            lambda ingress: ingress.cluster_issuer is None or ingress.tls_secret_ref is not None,
        ),
    )

    class_name: ObjectName = Field(description="IngressClass, such as nginx.")
    tls_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the certificate and its key; without it there is no TLS."
    )
    cluster_issuer: ObjectName | None = Field(
        default=None, description="ClusterIssuer of cert-manager that makes the certificate."
    )


class GatewayAuth(ContractModel):
    """Who may call the agent."""

    api_keys_secret_ref: SecretRef | None = Field(
        default=None,
        description="Secret with API keys: every key of it is the name of an API key, its value the API key itself.",
    )


class NamespacePeer(ContractModel):
    """Namespaces from where the agent may be called."""

    name: Name = Field(description="Name of the entry, for people.")
    namespace_labels: Labels = Field(min_length=1, max_length=8, description="Labels that a namespace must have.")


class NetworkPolicy(ContractModel):
    """Which connections of the agent's pods are allowed."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.enabled || size(self.ingressFrom) == 0",
            "ingressFrom needs enabled: true; without a policy everybody may call",
            lambda policy: policy.enabled or not policy.ingress_from,
        ),
    )

    enabled: bool = Field(default=True, description="Whether a NetworkPolicy is made for the agent.")
    ingress_from: Annotated[tuple[NamespacePeer, ...], MapBy("name")] = Field(
        default=(),
        max_length=16,
        description="Namespaces from where the gateway may be called; without an entry from everywhere.",
    )


class Observability(ContractModel):
    """What is made for monitoring, where the cluster has the kinds for it."""

    service_monitor: bool = Field(
        default=True, description="Whether a ServiceMonitor is made, so that Prometheus reads the agent's metrics."
    )
    alerts: bool = Field(default=True, description="Whether a PrometheusRule with the agent's alerts is made.")
    dashboard: bool = Field(
        default=True, description="Whether a ConfigMap with a dashboard is made, which Grafana's sidecar loads."
    )
