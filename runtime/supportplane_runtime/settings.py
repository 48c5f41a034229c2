"""Everything a runtime process is told by its environment, parsed once at start. No other module reads the environment.

Behaviour (instructions, model, knowledge, limits) comes from the SupportAgent file named by SUPPORTPLANE_AGENT_FILE;
here stands only where the parts are. The laptop's supervisor and the operator's Deployments set the same names.
"""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One frozen value per process; a wrong one stops the start with the variable's name."""

    model_config = SettingsConfigDict(env_prefix="SUPPORTPLANE_", frozen=True, extra="ignore")

    agent_file: Path = Field(description="SupportAgent YAML, may hold ModelEndpoint and KnowledgeBase documents too")
    data_dir: Path = Field(description="keys, secrets by reference, logs: the process writes nowhere else")
    database_url: SecretStr = Field(description="postgresql://... with pgvector")
    redis_url: SecretStr = Field(description="redis://...")
    model_url: str | None = Field(default=None, description="OpenAI-compatible base URL; replaces the ModelEndpoint's")
    model_name: str | None = Field(default=None, description="model to ask for at model_url")
    model_api_key: SecretStr | None = Field(default=None, description="sent to model_url as a bearer token")
    weaviate_url: str | None = Field(default=None, description="use Weaviate instead of pgvector for chunks")
    weaviate_api_key: SecretStr | None = Field(default=None, description="key of that Weaviate; none when it is open")
    weaviate_grpc_port: int = Field(default=50051, ge=1, le=65535)
    orchestrator_url: str | None = Field(default=None, description="Service of the orchestrators, for the role gateway")
    api_keys_dir: Path | None = Field(
        default=None, description="a file a key, named as the key; followed while running"
    )
    first_key_file: Path | None = Field(
        default=None, description="where the laptop's supervisor writes the first API key; readiness waits for it"
    )
    gateways_file: Path | None = Field(
        default=None,
        description="how many gateways share the rate limits while Redis is away; followed while running; none: one",
    )
    operator_jwks_file: Path | None = Field(default=None, description="public keys whose tokens may ask for the status")
    status_audience: str | None = Field(default=None, description="namespace/agent that such a token must be for")
    secrets_dir: Path | None = Field(default=None, description="NAME/KEY files of secrets; default: DATA_DIR/secrets")
    revision: str | None = Field(
        default=None, description="the agent's revision, told in the status and stored with each answer"
    )
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=1, le=65535)
    health_port: int | None = Field(
        default=None, ge=1, le=65535, description="a second listener that answers probes only; none on a laptop"
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost", "[::1]"), description="Host headers answered (DNS rebinding); JSON list"
    )
    max_body_bytes: int = Field(default=65536, ge=1024, description="64 KiB: a question has at most 8,000 characters")
    max_connections: int = Field(
        default=800, ge=10, description="sockets per process: below the usual 1,024 open files, with room for the pools"
    )
    max_connections_per_address: int = Field(
        default=400,
        ge=1,
        description="half of all: an office behind one address fits, a single flooder does not take the house",
    )
    max_streams_per_key: int = Field(default=400, ge=1, description="WebSockets and event streams of one API key")
    max_streams_per_user: int = Field(
        default=16, ge=1, description="of one visitor or signed-in user: some tabs, each with a question or two"
    )
    max_running_turns: int = Field(default=64, ge=1, description="a guess; more are refused with 503 and Retry-After")
    idle_timeout_s: float = Field(
        default=10, gt=0, description="silence before a first byte and between requests; a guess, browsers reconnect"
    )
    request_timeout_s: float = Field(default=30, gt=0, description="headers and body together, against slow senders")
    stream_heartbeat_s: float = Field(default=15, gt=0, description="comment on a silent stream; proxies cut at 60 s")
    stream_write_timeout_s: float = Field(
        default=20, gt=0, description="a reader this slow is cut off, of a stream and of any other reply"
    )
    drain_grace_s: float = Field(
        default=20, ge=0, description="time for running turns after SIGTERM; Kubernetes gives 30"
    )
    database_pool_size: int = Field(default=8, ge=1, le=100, description="a guess: 4 per core on a laptop")
    embedding_threads: int = Field(default=1, ge=1, le=32)
    log_format: str = Field(default="json", pattern="^(json|console)$")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


class ModelServerSettings(BaseSettings):
    """Of the role ``model``, which knows no agent and no database. The same names, where they mean the same."""

    model_config = SettingsConfigDict(env_prefix="SUPPORTPLANE_", frozen=True, extra="ignore")

    model_name: str = Field(default="SmolLM2-135M-Instruct", description="what the model is called by its callers")
    model_api_key: SecretStr | None = Field(default=None, description="callers must send it; none: whoever reaches it")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=1, le=65535)


def load_settings() -> Settings:
    """Parse the environment. Raises pydantic.ValidationError naming the variables that are missing or wrong."""
    return Settings()  # values come from the environment
