"""What the code says about the product, as patterns that a true answer of the sample agent holds.

Every fact is read from the code or from the project's own files at the moment of the test, so a changed default changes
what is expected of the pages. Nothing here is read from docs/.
"""

import inspect
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import typer
from pydantic import BaseModel, ValidationError

from support.repository import REPOSITORY
from supportplane_cli import errors, paths, storage
from supportplane_cli.commands.up import up
from supportplane_cli.registry import cli
from supportplane_cli.supervisor.preflight import NEEDED_BYTES
from supportplane_crds import model_endpoint, serving, support_agent
from supportplane_crds.knowledge_base import KnowledgeSource
from supportplane_operator.settings import Settings as OperatorSettings
from supportplane_runtime.domain.conversation import TicketReason
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.gateway.api.health import endpoints as health
from supportplane_runtime.gateway.api.query.schemas import QueryRequest
from supportplane_runtime.gateway.identity.keys import ByKey
from supportplane_runtime.gateway.identity.visitors import VISITOR_TTL
from supportplane_runtime.orchestrator import language
from supportplane_runtime.rag.documents.readers import FORMATS
from supportplane_runtime.rag.documents.reading import MAX_FILE_BYTES
from supportplane_runtime.settings import Settings
from supportplane_runtime.store.interfaces.sessions import SESSION_TTL
from supportplane_runtime.store.key_cache import TTL_S as KEY_TTL_S
from supportplane_runtime.turns.codec import EVENTS

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
DENIAL = re.compile(r"\b(not|no|none|cannot|never|neither|nor|without|only)\b|n't\b", re.IGNORECASE)
REFUSAL = re.compile(r"\b(does|do|is|are|can)( not|n't)\b|\bcannot\b|\bnot yet\b|\bplanned\b", re.IGNORECASE)
CITATION = re.compile(r"\s*\[\d+\]")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Words:
    """An answer is true when every pattern is found in it."""

    patterns: tuple[str, ...]

    def missing(self, response: str) -> list[str]:
        text = CITATION.sub("", response)
        return [pattern for pattern in self.patterns if re.search(pattern, text, re.IGNORECASE) is None]


@dataclass(frozen=True, slots=True)
class Support:
    """An answer is true when a sentence that names the subject denies it; where it is so, when none refuses it."""

    subject: str
    is_so: bool

    def missing(self, response: str) -> list[str]:
        sentences = SENTENCE_END.split(CITATION.sub("", response))
        about = [sentence for sentence in sentences if re.search(self.subject, sentence, re.IGNORECASE)]
        against = [sentence for sentence in about if (REFUSAL if self.is_so else DENIAL).search(sentence)]
        is_true = bool(about) and not against if self.is_so else bool(against)
        return [] if is_true else [f"{self.subject}: {self.is_so}"]


Fact = Words | Support


def number(value: int) -> str:
    """As people write it: 8000 or 8,000, 6 or six."""
    spelled = [NUMBERS[value]] if value < len(NUMBERS) else []
    return rf"(?<![\w.,])(?:{'|'.join([str(value), f'{value:,}', *spelled])})(?![\w]|[.,]\d)"


def near(value: int, thing: str) -> Words:
    """The number and what it counts in one line, a few words apart."""
    return Words((rf"{number(value)}[^\n]{{0,60}}?(?:{thing})|(?:{thing})[^\n]{{0,60}}?{number(value)}",))


def exactly(*words: str) -> Words:
    """Names as the code writes them, each somewhere in the answer."""
    return Words(tuple(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words))


def duration(time: timedelta) -> Words:
    """In any of the units that leave no rest."""
    seconds = int(time.total_seconds())
    units = {86400: "days?|d", 3600: "hours?|h", 60: "minutes?|min|m", 1: "seconds?|s"}
    written = [rf"{number(seconds // unit)}\s?(?:{name})\b" for unit, name in units.items() if not seconds % unit]
    return Words(("|".join(written),))


def size(size_bytes: int) -> Words:
    """In bytes or in the largest binary unit that leaves no rest."""
    units = {1 << 20: "MiB|MB|megabytes?", 1 << 10: "KiB|kB|kilobytes?", 1: "bytes?"}
    written = [rf"{number(size_bytes // unit)}\s?(?:{name})\b" for unit, name in units.items() if not size_bytes % unit]
    return Words(("|".join(written),))


def default(model: type[BaseModel], field: str) -> Any:
    return model.model_fields[field].get_default(call_default_factory=True)


def command(name: str) -> Words:
    """Raises KeyError when there is no such command."""
    group = typer.main.get_group(cli)
    return exactly(f"supportplane {group.commands[name].name}")


def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def contract() -> str:
    """Everything that an agent file may say of an agent, as text."""
    return json.dumps(support_agent.SupportAgent.model_json_schema()).lower()


def default_port() -> Fact:
    return exactly(str(inspect.signature(up).parameters["port"].default))


def data_directory() -> Fact:
    return exactly(paths.NAME)


def data_directory_variable() -> Fact:
    return exactly(paths.VARIABLE)


def python_versions() -> Fact:
    oldest, too_new = re.findall(r"3\.(\d+)", project()["project"]["requires-python"])
    return exactly(f"3.{oldest}", f"3.{int(too_new) - 1}")


def free_space() -> Fact:
    return size(NEEDED_BYTES)


def embedded_model() -> Fact:
    return exactly(str(default(model_endpoint.EmbeddedModel, "model")))


def check_command() -> Fact:
    return command("validate")


def why_command() -> Fact:
    return command("why")


def exit_code_in_use() -> Fact:
    return near(errors.AlreadyRunning.exit_code, "in use|already|another|holds")


def link_life() -> Fact:
    return duration(timedelta(seconds=storage.LINK_TTL_S))


def session_life() -> Fact:
    return duration(SESSION_TTL)


def visitor_life() -> Fact:
    return duration(VISITOR_TTL)


def revoked_key_life() -> Fact:
    return duration(timedelta(seconds=KEY_TTL_S))


def requests_of_a_key() -> Fact:
    limits = default(support_agent.Gateway, "rate_limits")
    of_keys = next(limit for limit in limits if limit.scope is support_agent.LimitScope.API_KEY)
    return near(of_keys.requests, "request")


def question_length() -> Fact:
    return near(QueryRequest.model_json_schema()["properties"]["query"]["maxLength"], "character")


def turn_timeout() -> Fact:
    return duration(default(support_agent.Orchestrator, "turn_timeout"))


def document_size() -> Fact:
    return size(MAX_FILE_BYTES)


def running_turns() -> Fact:
    return near(default(Settings, "max_running_turns"), "turn|question")


def default_triggers() -> Fact:
    return exactly(*default(support_agent.Handoff, "triggers"))


def passages() -> Fact:
    return near(default(support_agent.KnowledgeRef, "top_k"), "passage")


def remembered_turns() -> Fact:
    return near(default(support_agent.ShortTermMemory, "max_turns"), "turn|question|exchange")


def pods() -> Fact:
    return near(default(support_agent.SupportAgentSpec, "scaling").replicas, "pod|replica|gateway|orchestrator")


def file_kinds() -> Fact:
    return exactly(*sorted({each.name for each in FORMATS.values()}))


def own_languages() -> Fact:
    """The pages name no list and a number with room, which no new file makes untrue."""
    spoken = len(language.spoken_languages())
    return Words(("|".join(f"more than {number(each)}" for each in range(spoken // 2, spoken)),))


def scopes() -> Fact:
    return exactly(*Scope)


def stream_events() -> Fact:
    return exactly(*EVENTS)


def ticket_reasons() -> Fact:
    return exactly(*TicketReason)


def metrics_path() -> Fact:
    (route,) = (each for each in health.router.routes if "metric" in each.name)  # type: ignore[attr-defined]
    return exactly(route.path)  # type: ignore[attr-defined]


def key_header() -> Fact:
    [scheme] = [each["apiKey"] for each in ByKey.alternatives if "apiKey" in each]
    return exactly(scheme["name"])


def serving_engines() -> Fact:
    return exactly(*serving.ServingEngine)


def runtime_image() -> Fact:
    return exactly(default(OperatorSettings, "runtime_image").rpartition(":")[0])


def runs_on_kubernetes() -> Fact:
    return Support("Kubernetes|cluster", (REPOSITORY / "operator/chart/Chart.yaml").is_file())


def reads_pdf() -> Fact:
    try:
        KnowledgeSource(name="manuals", path="manuals", include=("**/*.pdf",))
    except ValidationError:
        return Support("PDF", is_so=False)
    return Support("PDF", is_so=True)


def fetches_websites() -> Fact:
    wanted = {"url", "urls", "website", "site", "sitemap", "crawl"}
    return Support("website|crawl|web page|URL", bool(wanted & set(KnowledgeSource.model_fields)))


def hands_tickets_to_zendesk() -> Fact:
    return Support("Zendesk|help ?desk|other systems?|ticket system", "zendesk" in contract())


def signs_in_with_openid() -> Fact:
    return Support("OpenID|OIDC|single sign-on", re.search("oidc|openid", contract()) is not None)


def runs_on_windows() -> Fact:
    return Support("Windows", any("win32" in each for each in project()["tool"]["uv"]["environments"]))


def stores_in_mysql() -> Fact:
    needed = str(project()["project"]["optional-dependencies"]["runtime"]).lower()
    return Support("MySQL|other database", re.search("mysql|mariadb|asyncmy", needed) is not None)


def needs_a_gpu() -> Fact:
    return Support("GPU", default(serving.Gpu, "count") > 0)


def serves_https() -> Fact:
    return Support("TLS|HTTPS", any(re.search("tls|ssl|certificate", name) for name in Settings.model_fields))


FACTS: tuple[Callable[[], Fact], ...] = (
    default_port,
    data_directory,
    data_directory_variable,
    python_versions,
    free_space,
    embedded_model,
    check_command,
    why_command,
    exit_code_in_use,
    link_life,
    session_life,
    visitor_life,
    revoked_key_life,
    requests_of_a_key,
    question_length,
    turn_timeout,
    document_size,
    running_turns,
    default_triggers,
    passages,
    remembered_turns,
    pods,
    file_kinds,
    own_languages,
    scopes,
    stream_events,
    ticket_reasons,
    metrics_path,
    key_header,
    serving_engines,
    runtime_image,
    runs_on_kubernetes,
    reads_pdf,
    fetches_websites,
    hands_tickets_to_zendesk,
    signs_in_with_openid,
    runs_on_windows,
    stores_in_mysql,
    needs_a_gpu,
    serves_https,
)
