"""What `up` is asked for, resolved: which agent file, which parts the supervisor starts, which a URL names.

Made from the command line's flags and the agent file; nothing is started, written or downloaded here.
"""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from supportplane_cli.embedded.model_server import EMBEDDED_MODEL
from supportplane_cli.errors import WrongUsage
from supportplane_cli.paths import DataDir
from supportplane_crds import (
    AgentFile,
    InvalidAgentFile,
    KubernetesObject,
    fields_that_need_a_cluster,
    fields_without_effect,
    load_agent_file,
)

HUB_PREFIX = "hf:"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The flags of `up` as typed."""

    agent_file: Path
    data: DataDir
    port: int = 8080
    listen: str | None = None
    database_url: str | None = None
    redis_url: str | None = None
    model: str | None = None
    model_name: str | None = None
    model_key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class HubFile:
    """A GGUF file on a model hub, from `hf:owner/repo/path/file.gguf[@revision]`."""

    repository: str
    path: str
    revision: str = "main"

    @property
    def name(self) -> str:
        return Path(self.path).stem


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """An OpenAI-compatible server that the user runs or rents; its key is read from a file."""

    url: str
    name: str
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """Our own model server, on the weights in the wheel or on a downloaded file."""

    name: str = EMBEDDED_MODEL
    hub_file: HubFile | None = None


@dataclass(frozen=True, slots=True)
class FileModel:
    """The agent file's ModelEndpoint has a URL: the runtime goes there by itself."""

    url: str


@dataclass(frozen=True, slots=True)
class Plan:
    """database_url and redis_url: None means the embedded part. missing_sources: a sentence for each, where an index
    of before may be there all the same.
    """

    data: DataDir
    agent: AgentFile
    port: int
    listen: str | None
    database_url: str | None
    redis_url: str | None
    model: EmbeddedModel | RemoteModel | FileModel = field(default_factory=EmbeddedModel)
    missing_sources: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def tenant(self) -> str:
        return self.agent.agent.spec.tenant.id

    @property
    def without_effect(self) -> tuple[str, ...]:
        """What of the file means something on a cluster only: fields of the agent, and classes as a whole."""
        return (*fields_without_effect(self.agent.agent), *map(label, self.agent.classes))


def make_plan(options: UpOptions) -> Plan:
    """Raises WrongUsage with a sentence for a wrong file or flags that contradict each other."""
    agent, missing_sources = read_agent(options)
    model = choose_model(options, agent)
    refuse_judge_without_address(agent)
    refuse_documents_of_a_cluster(agent)
    return Plan(
        data=options.data,
        agent=agent,
        port=options.port,
        listen=options.listen,
        database_url=options.database_url,
        redis_url=options.redis_url,
        model=model,
        missing_sources=missing_sources,
    )


def read_agent(options: UpOptions) -> tuple[AgentFile, tuple[str, ...]]:
    """The file, and what its sources lack. Where nothing can have been indexed before, a source must be there."""
    path = options.agent_file
    try:
        return load_agent_file(path), ()
    except InvalidAgentFile as error:
        if not may_have_index(options):
            raise wrong_file(path, error) from error
        missing = tuple(map(str, error.problems))
    try:
        return load_agent_file(path, check_sources=False), missing
    except InvalidAgentFile as error:
        raise wrong_file(path, error) from error


def wrong_file(path: Path, error: InvalidAgentFile) -> WrongUsage:
    return WrongUsage(str(error), hint=f"supportplane validate -f {path}")


def may_have_index(options: UpOptions) -> bool:
    return options.database_url is not None or options.data.postgres.exists()


def choose_model(options: UpOptions, agent: AgentFile) -> EmbeddedModel | RemoteModel | FileModel:
    """--model wins over the agent file's ModelEndpoint."""
    if options.model is None:
        if options.model_name or options.model_key_file:
            raise WrongUsage("--model-name and --model-key-file say more about --model, which is missing.")
        return model_of_file(agent)
    if options.model.startswith(HUB_PREFIX):
        hub_file = parse_hub_file(options.model)
        return EmbeddedModel(name=options.model_name or hub_file.name, hub_file=hub_file)
    if urlsplit(options.model).scheme in ("http", "https"):
        if options.model_name is None:
            raise WrongUsage("--model URL needs the name of the model there.", hint="add --model-name NAME")
        return RemoteModel(options.model.rstrip("/"), options.model_name, options.model_key_file)
    raise WrongUsage(f"--model {options.model} is neither hf:owner/repo/file.gguf nor an http(s) URL.")


def refuse_judge_without_address(agent: AgentFile) -> None:
    """One model can be embedded here, the one that writes; another one that judges is reached at a URL."""
    judge = agent.judge_endpoint
    if judge is None or judge.name == agent.model_endpoint.name or judge.spec.url is not None:
        return
    raise WrongUsage(
        f"ModelEndpoint {judge.name} judges and has no url: here only the model that writes can be embedded.",
        hint=f"give it url and model, or write {agent.model_endpoint.name} in spec.template.model.judgeRef",
    )


def model_of_file(agent: AgentFile) -> EmbeddedModel | FileModel:
    """Raises WrongUsage for a model that only a cluster can serve."""
    endpoint = agent.model_endpoint
    for field_path in fields_that_need_a_cluster(endpoint):
        message = f"{label(endpoint)}: {field_path} runs a model server on a cluster; this machine cannot."
        raise WrongUsage(message, hint="add --model hf:owner/repo/file.gguf, or --model URL --model-name NAME")
    return EmbeddedModel() if endpoint.spec.url is None else FileModel(str(endpoint.spec.url))


def refuse_documents_of_a_cluster(agent: AgentFile) -> None:
    """Raises WrongUsage for the first source that is no path."""
    for base in agent.knowledge_bases:
        for field_path in fields_that_need_a_cluster(base):
            raise WrongUsage(
                f"{label(base)}: {field_path} is read on a cluster; on this machine a source needs path.",
                hint="name a folder or a file with path",
            )


def label(item: KubernetesObject) -> str:
    return f"{type(item).__name__}/{item.name}"


def parse_hub_file(text: str) -> HubFile:
    location, _, revision = text.removeprefix(HUB_PREFIX).partition("@")
    owner, _, rest = location.partition("/")
    repository, _, path = rest.partition("/")
    if not (owner and repository and path.endswith(".gguf")):
        raise WrongUsage(f"--model {text} does not name a GGUF file.", hint="--model hf:owner/repo/file.gguf")
    return HubFile(f"{owner}/{repository}", path, revision or "main")
