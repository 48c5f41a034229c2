"""Names, conditions and reasons to the reference page docs/reference/kubernetes.md.

``generate.py`` writes the page. It reads the constants that operator and runtime work with, so it cannot say anything
else than what stands in a cluster. The sample agent answers from this page: an entry is a sentence that stands alone.
"""

from collections.abc import Iterable

from supportplane_crds import names
from supportplane_crds.load import KINDS
from supportplane_crds.reasons import ConditionType, Reason
from supportplane_crds.roles import ROLES, Role

PAGE = """<!-- Generated from crds/supportplane_crds by `make generate`: edit names.py, roles.py and reasons.py. -->
# Names, conditions and reasons on Kubernetes

Supportplane's kinds on Kubernetes are {kinds}, all of version `{version}`.
Their fields are in [SupportAgent fields](supportagent.md).

## Labels

{labels}

## Annotations

{annotations}

## Secrets that you make

The operator makes no Secret for an agent: pods get yours from Kubernetes by these keys.
The operator itself may read no Secret.

{secrets}

## Objects that the operator makes

The operator writes with the field manager `{field_manager}`.
A SupportAgent bears the finalizer `{finalizer}` until what was made for it is cleaned up.

{children}

## Conditions

A condition is `True`, `False` or `Unknown`, and has a reason and a message.
`kubectl get sagent` shows the condition `Ready` and its reason.
This is what a condition means when it is `True`:

{conditions}

## Reasons

{reasons}
"""

SECRETS = {
    "spec.persistence.database.secretRef": (names.KEY_DATABASE_URI, "the `postgresql://` URL of the agent's database"),
    "spec.persistence.cache.secretRef": (names.KEY_CACHE_URI, "the `redis://` or `rediss://` URL of the agent's cache"),
    "spec.persistence.vectorStore.weaviate.apiKeySecretRef": (
        names.KEY_MODEL_CREDENTIALS,
        "the API key of the Weaviate; another key can be named",
    ),
    "spec.credentialsSecretRef": (
        names.KEY_MODEL_CREDENTIALS,
        "the bearer token of a ModelEndpoint's server; another key can be named",
    ),
    "spec.serving.hubTokenSecretRef": (
        names.KEY_HUB_TOKEN,
        "the token of the hub that a served model is downloaded from; another key can be named",
    ),
}

_AGENT, _ENDPOINT, _HASH, _REVISION = "<agent>", "<endpoint>", "<hash>", "<revision>"


def _of_role(role: Role) -> dict[str, str]:
    """What is made for a role, by its name."""
    pods = f"the pods that {role.work}"
    if role.is_per_revision:
        return {
            role.deployment_name(_AGENT, _REVISION): f"Deployment of {pods}, one for each revision",
            role.object_name(_AGENT): f"Service that leads to the {role.name} of the revision that serves",
        }
    rest = (
        ", autoscaler, route, NetworkPolicy and ServiceMonitor" if role.is_public else ", autoscaler and NetworkPolicy"
    )
    return {role.object_name(_AGENT): f"Deployment, Service, ServiceAccount, disruption budget{rest} of {pods}"}


CHILDREN = {
    **{name: what for role in ROLES for name, what in _of_role(role).items()},
    names.config(
        _AGENT, _REVISION
    ): f"ConfigMap with the agent file of a revision, in the key `{names.KEY_AGENT_FILE}`",
    names.migrate_job(_AGENT, _HASH): "Job that brings the database schema up to date",
    names.knowledge_job(_AGENT, _HASH): "Job that reads the documents",
    names.alerts(_AGENT): "PrometheusRule with the agent's alerts",
    names.dashboard(_AGENT): "ConfigMap with the agent's Grafana dashboard",
    names.database(_AGENT): "CloudNativePG Cluster, when `spec.persistence.database.cloudNativePG` is set",
    names.cache(_AGENT): "Deployment and Service of a Redis, when `spec.persistence.cache.managed` is set",
    names.weaviate(_AGENT): "StatefulSet and Service of a Weaviate, when "
    "`spec.persistence.vectorStore.weaviate.managed` is set",
    names.model(_ENDPOINT): "Deployment, Service and volume claim of the model server of a ModelEndpoint with "
    "`spec.embedded` or `spec.serving`",
}


def kubernetes_page() -> str:
    """Markdown."""
    return PAGE.format(
        kinds=", ".join(f"`{kind}`" for kind in KINDS),
        version=names.API_VERSION,
        labels=_entries(names.LABELS.items()),
        annotations=_entries(names.ANNOTATIONS.items()),
        secrets=_secrets(),
        field_manager=names.FIELD_MANAGER,
        finalizer=names.FINALIZER,
        children=_entries((name, f"{what}.") for name, what in CHILDREN.items()),
        conditions=_entries((each, each.meaning) for each in ConditionType),
        reasons=_entries((each, each.meaning) for each in Reason),
    )


def _entries(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- `{name}`: {sentence}" for name, sentence in pairs)


def _secrets() -> str:
    lines = [f"- `{field}`: the Secret's key `{key}` holds {what}." for field, (key, what) in SECRETS.items()]
    lines.append(
        "- `spec.gateway.auth.apiKeysSecretRef`: every key of the Secret is the name of an API key, and its value is "
        "the API key."
    )
    return "\n".join(lines)
