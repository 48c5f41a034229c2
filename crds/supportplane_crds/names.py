"""Every name that Supportplane writes on a cluster or reads there: labels, annotations, keys, children, environment.

The operator renders with these, the runtime reads with these, and ``kubernetes_page.py`` lists them in
docs/reference/kubernetes.md. A name that stands in a cluster is a promise: it is written once, here.
"""

from collections.abc import Mapping
from typing import Final

from supportplane_crds import roles
from supportplane_crds.objects import API_VERSION, GROUP, VERSION

__all__ = ["API_VERSION", "GROUP", "VERSION"]

FIELD_MANAGER: Final = "supportplane-operator"
FINALIZER: Final = f"{GROUP}/cleanup"
APP_NAME: Final = "supportplane"
MANAGED_BY: Final = FIELD_MANAGER

ROLE_GATEWAY: Final = roles.GATEWAY.name
ROLE_ORCHESTRATOR: Final = roles.ORCHESTRATOR.name
ROLE_KNOWLEDGE: Final = "knowledge"
ROLE_MIGRATE: Final = "migrate"
ROLE_MODEL: Final = "model"

COMPONENT_DATABASE: Final = "database"
COMPONENT_CACHE: Final = "cache"
COMPONENT_WEAVIATE: Final = "weaviate"

COMPONENTS: Final = (
    *roles.BY_NAME,
    ROLE_KNOWLEDGE,
    ROLE_MIGRATE,
    ROLE_MODEL,
    COMPONENT_CACHE,
    COMPONENT_DATABASE,
    COMPONENT_WEAVIATE,
)

LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_INSTANCE: Final = "app.kubernetes.io/instance"
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_AGENT: Final = f"{GROUP}/agent"
LABEL_REVISION: Final = f"{GROUP}/revision"
LABEL_MODEL: Final = f"{GROUP}/model"
LABEL_DASHBOARD: Final = "grafana_dashboard"

LABELS: Final[Mapping[str, str]] = {
    LABEL_NAME: f"`{APP_NAME}`, on everything that the operator makes.",
    LABEL_INSTANCE: "The name of the agent, or of the model endpoint, that an object was made for.",
    LABEL_COMPONENT: f"What an object is part of: {', '.join(f'`{each}`' for each in COMPONENTS[:-1])} or "
    f"`{COMPONENTS[-1]}`.",
    LABEL_MANAGED_BY: f"`{MANAGED_BY}`: only this operator changes the object.",
    LABEL_AGENT: "The name of the agent that an object was made for.",
    LABEL_REVISION: "On orchestrators: the revision of the agent that these pods run.",
    LABEL_MODEL: "The name of the ModelEndpoint that a model server was made for.",
    LABEL_DASHBOARD: "`1` on the ConfigMap of an agent's dashboard, so that Grafana's sidecar loads it.",
}

ANNOTATION_PAUSED: Final = f"{GROUP}/paused"
ANNOTATION_CONFIG_HASH: Final = f"{GROUP}/config-hash"
ANNOTATION_READ_AGAIN: Final = f"{GROUP}/read-again"
ANNOTATION_POD_TEMPLATE: Final = f"{GROUP}/pod-template"

ANNOTATIONS: Final[Mapping[str, str]] = {
    ANNOTATION_PAUSED: "Set it to `true` on a SupportAgent, and the operator changes nothing of the agent until it is "
    "taken away; the status is still written.",
    ANNOTATION_READ_AGAIN: "Set it on a KnowledgeBase to another text than before, such as the time, and its documents "
    "are read again. A change in a volume is not noticed without it; a change in a ConfigMap is, within minutes.",
    ANNOTATION_POD_TEMPLATE: "On the Deployment of an orchestrator: what its pods are, as JSON, so that the revision "
    "that serves is kept as it was made while another one is rolled out.",
    ANNOTATION_CONFIG_HASH: "On pods: a hash of the configuration that they read at start, so that a change of it "
    "replaces them.",
}

KEY_DATABASE_URI: Final = "uri"
KEY_CACHE_URI: Final = "uri"
KEY_MODEL_CREDENTIALS: Final = "api-key"
KEY_HUB_TOKEN: Final = "token"  # noqa: S105 -- the name of a key, not a secret
KEY_AGENT_FILE: Final = "agent.yaml"
KEY_OPERATOR_JWKS: Final = "operator.jwks.json"
KEY_GATEWAYS: Final = "gateways"

RUNTIME_COMMAND: Final = ("python", "-m", "supportplane_runtime.app")
RUNTIME_UID: Final = 65532
HEALTH_PORT: Final = 8082
MODEL_PORT: Final = 8080
SERVICE_PORT: Final = 80
WEAVIATE_GRPC_PORT: Final = 50051
PORT_NAME: Final = "http"
HEALTH_PORT_NAME: Final = "health"

CONFIG_DIR: Final = "/etc/supportplane"
API_KEYS_DIR: Final = f"{CONFIG_DIR}/api-keys"
AGENT_FILE: Final = f"{CONFIG_DIR}/{KEY_AGENT_FILE}"
OPERATOR_JWKS_FILE: Final = f"{CONFIG_DIR}/{KEY_OPERATOR_JWKS}"
GATEWAYS_FILE: Final = f"{CONFIG_DIR}/{KEY_GATEWAYS}"
DATA_DIR: Final = "/var/lib/supportplane"
KNOWLEDGE_DIR: Final = f"{DATA_DIR}/knowledge"
SECRETS_DIR: Final = "/var/run/supportplane/secrets"
ENV_PREFIX: Final = "SUPPORTPLANE_"

STATUS_PATH: Final = "/internal/v1/status"
STATUS_ISSUER: Final = FIELD_MANAGER


def status_audience(namespace: str, agent: str) -> str:
    """Who a token for the runtime's status endpoint is for."""
    return f"{namespace}/{agent}"


_COMPONENTS: Final[Mapping[str, str]] = {
    **{role: role for role in (*roles.BY_NAME, ROLE_KNOWLEDGE, ROLE_MIGRATE)},
    "db": COMPONENT_DATABASE,
    COMPONENT_CACHE: COMPONENT_CACHE,
    COMPONENT_WEAVIATE: COMPONENT_WEAVIATE,
}


def component_of(agent: str, name: str) -> str | None:
    """The component that an object of this name is part of; None for an object that was not made for the agent."""
    stem, _, rest = name.partition(f"{agent}-")
    return None if stem else _COMPONENTS.get(rest.partition("-")[0])


def gateway(agent: str) -> str:
    """Of Deployment, Service and all that stands before them."""
    return roles.GATEWAY.object_name(agent)


def orchestrator(agent: str, revision: str | None = None) -> str:
    """With a revision of its Deployment, without one of the Service."""
    role = roles.ORCHESTRATOR
    return role.object_name(agent) if revision is None else role.deployment_name(agent, revision)


def config(agent: str, revision: str) -> str:
    """Of the ConfigMap with the agent file."""
    return f"{agent}-config-{revision}"


def migrate_job(agent: str, digest: str) -> str:
    """digest: of configuration and image."""
    return f"{agent}-migrate-{digest}"


def knowledge_job(agent: str, digest: str) -> str:
    """digest: of configuration and image."""
    return f"{agent}-knowledge-{digest}"


def alerts(agent: str) -> str:
    """Of the PrometheusRule."""
    return f"{agent}-alerts"


def dashboard(agent: str) -> str:
    """Of the ConfigMap with the Grafana dashboard."""
    return f"{agent}-dashboard"


def database(agent: str) -> str:
    """Of the CloudNativePG Cluster."""
    return f"{agent}-db"


def database_secret(agent: str) -> str:
    """Of the Secret that CloudNativePG writes."""
    return f"{agent}-db-app"


def cache(agent: str) -> str:
    """Of the managed Redis."""
    return f"{agent}-cache"


def weaviate(agent: str) -> str:
    """Of the managed Weaviate."""
    return f"{agent}-weaviate"


def model(endpoint: str) -> str:
    """Of the model server that is made for a ModelEndpoint."""
    return f"{endpoint}-model"


def service_host(service: str, namespace: str) -> str:
    """Host name inside the cluster, whatever the cluster's domain is."""
    return f"{service}.{namespace}.svc"
