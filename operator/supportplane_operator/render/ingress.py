"""The Ingress for an agent's host names, and the Certificate that cert-manager fills its Secret by."""

from supportplane_crds import names
from supportplane_operator import snapshot as seen
from supportplane_operator.render.meta import compact, labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest

PUBLIC_PATHS = (
    ("/", "Exact"),
    ("/api", "Prefix"),
    ("/docs", "Prefix"),
    ("/health", "Exact"),
    ("/livez", "Exact"),
    ("/openapi.json", "Exact"),
    ("/readyz", "Exact"),
    ("/static", "Prefix"),
    ("/widget.js", "Exact"),
)
"""What people and programs call; neither /internal nor /metrics is among it."""


def ingress(plan: Plan) -> Manifest | None:
    wanted = plan.ingress
    if wanted is None:
        return None
    tls = wanted.tls_secret_ref
    spec = {
        "ingressClassName": wanted.class_name,
        "rules": [_rule(host, names.gateway(plan.name)) for host in plan.hostnames],
        "tls": [{"hosts": list(plan.hostnames), "secretName": tls.name}] if tls else [],
    }
    name = names.gateway(plan.name)
    meta = metadata(name, plan.namespace, of=labels(plan.name, names.ROLE_GATEWAY), owned_by=plan.snapshot.raw)
    return compact({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": spec})


def certificate(plan: Plan) -> Manifest | None:
    wanted = plan.ingress
    has_api = plan.snapshot.has(seen.CERTIFICATE)
    if wanted is None or wanted.cluster_issuer is None or wanted.tls_secret_ref is None or not has_api:
        return None
    spec = {
        "secretName": wanted.tls_secret_ref.name,
        "dnsNames": list(plan.hostnames),
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": wanted.cluster_issuer},
    }
    name = names.gateway(plan.name)
    meta = metadata(name, plan.namespace, of=labels(plan.name, names.ROLE_GATEWAY), owned_by=plan.snapshot.raw)
    return {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": meta, "spec": spec}


def _rule(host: str, service: str) -> Manifest:
    backend = {"service": {"name": service, "port": {"name": names.PORT_NAME}}}
    paths = [{"path": path, "pathType": kind, "backend": backend} for path, kind in PUBLIC_PATHS]
    return {"host": host, "http": {"paths": paths}}
