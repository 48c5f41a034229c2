"""Everything the operator is told by its environment, parsed once at start. No other module reads the environment.

What an agent should be comes from the objects of the cluster; here stand only the defaults of this installation and
where the process itself runs. The Helm chart sets the same names.
"""

from importlib.metadata import version
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _cidr(text: str) -> str:
    """As the API server wants it. Raises ValueError for what is none, also for bits beyond the prefix."""
    return str(ip_network(text))


Port = Annotated[int, Field(ge=1, le=65535)]
Cidr = Annotated[str, AfterValidator(_cidr)]


class Settings(BaseSettings):
    """One frozen value per process; a wrong one stops the start with the variable's name."""

    model_config = SettingsConfigDict(env_prefix="SUPPORTPLANE_OPERATOR_", frozen=True, extra="ignore")

    runtime_image: str = Field(
        default=f"ghcr.io/supportplane/runtime:{version('supportplane')}",
        min_length=1,
        description="image of agents that neither name one nor have a class that does",
    )
    redis_image: str = Field(default="docker.io/library/redis:8.2.3", min_length=1, description="of managed caches")
    weaviate_image: str = Field(
        default="cr.weaviate.io/semitechnologies/weaviate:1.39.0", min_length=1, description="of managed vector stores"
    )
    image_registry: str = Field(
        default="",
        pattern=r"^$|^[a-z0-9][a-zA-Z0-9._:/-]*[a-zA-Z0-9]$",
        description="registry that stands in place of every image's own; empty: images are pulled from where they are",
    )
    image_pull_policy: str = Field(default="IfNotPresent", pattern="^(Always|IfNotPresent|Never)$")
    image_pull_secrets: tuple[str, ...] = Field(
        default=(),
        description="JSON list of Secrets in the namespace of each agent and model, where the agent names none",
    )
    watch_namespaces: tuple[str, ...] = Field(default=(), description="JSON list; empty: the whole cluster")
    namespace: str = Field(default="supportplane-system", description="where the operator itself and its Lease are")
    pod_name: str = Field(default="supportplane-operator", description="who holds the Lease")
    signing_key_file: Path | None = Field(
        default=None,
        description="PEM of the Ed25519 key that signs status requests; none: agents are not asked",
    )
    status_jwks: str = Field(
        default="", description="the public part of that key as a JWKS document; filled in from signing_key_file"
    )
    database_ports: tuple[Port, ...] = Field(
        default=(5432, 6432), description="TCP ports that agents may reach databases of their own at; JSON list"
    )
    cache_ports: tuple[Port, ...] = Field(default=(6379, 6380), description="the same for caches of their own")
    api_server_cidrs: tuple[Cidr, ...] = Field(
        default=(), description="addresses of the API server, which no agent may reach; JSON list"
    )
    monitoring_labels: dict[str, str] = Field(
        default={"kubernetes.io/metadata.name": "monitoring"},
        description="labels of the namespaces from where metrics are read; JSON object",
    )
    runbooks_url: str = Field(
        default="https://github.com/supportplane/supportplane/blob/main/runbooks",
        pattern=r"^https?://[^\s]*[^\s/]$",
        description="alerts of agents lead to <this>/<alert>.md; for runbooks of your own",
    )
    metrics_host: str = "0.0.0.0"
    metrics_port: int = Field(default=8082, ge=0, le=65535, description="0: any free port")
    health_port: int = Field(default=8083, ge=0, le=65535, description="/healthz and /readyz; 0: any free port")
    resync_s: float = Field(
        default=300, gt=0, description="every object is looked at this often although nothing happened; a guess"
    )
    status_interval_s: float = Field(
        default=60, ge=0, description="least time between two status writes where only numbers changed"
    )
    status_timeout_s: float = Field(default=3, gt=0, description="wait for an agent's status endpoint; a guess")
    workers: int = Field(default=8, ge=1, le=64, description="keys worked on at the same time; a guess")
    lease_seconds: int = Field(default=15, ge=3, le=300, description="how long a silent leader is believed")
    log_format: str = Field(default="json", pattern="^(json|console)$")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


def load_settings() -> Settings:
    """Parse the environment. Raises pydantic.ValidationError naming the variables that are wrong."""
    return Settings()
