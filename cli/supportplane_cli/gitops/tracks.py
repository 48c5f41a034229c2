"""The starting points: which folders of the trees a team gets, and which parts of the platform."""

from dataclasses import dataclass

LAPTOP_FOLDER = "environments/weekend"
# What each repository for clusters holds, beside its clusters and parts.
COMMON = (
    "clusters/README.md",
    "clusters/bootstrap",
    "clusters/layers",
    "clusters/shared",
    "crds/kustomization.yaml",
    "environments/README.md",
    "environments/base",
    "environments/dev",
    "environments/staging",
    "environments/production",
    "operator/argocd/argocd-cm.yaml",
    "operator/argocd/kustomization.yaml",
    "operator/chart",
)
# The least that answers, scales, and is watched; the rest is for several regions.
_STARTUP_PARTS = (
    "cert-manager",
    "cloudnative-pg",
    "gateway-api",
    "kube-prometheus-stack",
    "metrics-server",
    "prometheus-operator-crds",
    "shared",
    "supportplane-crds",
    "supportplane-operator",
    "traefik",
)


@dataclass(frozen=True, slots=True)
class Track:
    """parts: None for every one. clusters: none for a laptop. folders: beside the common ones."""

    name: str
    purpose: str
    clusters: tuple[str, ...] = ()
    parts: tuple[str, ...] | None = None
    folders: tuple[str, ...] = ()


TRACKS = {
    each.name: each
    for each in (
        Track("weekend", "a laptop: one agent file and its documents"),
        Track("startup", "one cluster with dev, staging and production", ("main",), _STARTUP_PARTS),
        Track(
            "enterprise",
            "several regions, with secrets from a vault and six years of audit",
            ("staging", "production-eu", "production-us"),
            None,
            ("environments/enterprise",),
        ),
    )
}
