"""Objects that nobody may create: each with what is wrong and the sentence that says so.

One table for two readers: the loader (tests/unit/crds/test_wrong_objects.py) and a real API server
(tests/manifests/test_crds_on_api_server.py). ``says`` is a rule's sentence, the same for both, unless ``server`` gives
the API server's own words for types, ranges and enumerations.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).resolve().parents[2]
FULL_SAMPLE = REPOSITORY / "crds/samples/full.yaml"
REMOVED = object()

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class WrongObject:
    """The full sample with one value replaced. path: where; value: REMOVED takes the field away."""

    kind: str
    path: Steps
    value: Any
    says: str
    server: str | None = None

    @property
    def title(self) -> str:
        value = "removed" if self.value is REMOVED else str(self.value)[:30]
        return f"{self.kind}:{'.'.join(str(step) for step in self.path)}={value}"

    @property
    def server_says(self) -> str:
        return self.server or self.says

    def manifest(self) -> dict[str, Any]:
        """The one object, for the API server."""
        return next(document for document in self.documents() if document["kind"] == self.kind)

    def documents(self) -> list[dict[str, Any]]:
        """The whole file, for the loader. The endpoint that is named is the first of its kind."""
        documents = full_sample()
        target: Any = next(document for document in documents if document["kind"] == self.kind)
        for step in self.path[:-1]:
            target = target[step]
        if self.value is REMOVED:
            del target[self.path[-1]]
        else:
            target[self.path[-1]] = copy.deepcopy(self.value)
        return documents


@cache
def _sample() -> tuple[dict[str, Any], ...]:
    return tuple(YAML(typ="safe", pure=True).load_all(FULL_SAMPLE.read_text(encoding="utf-8")))


def full_sample() -> list[dict[str, Any]]:
    """Fresh plain values of crds/samples/full.yaml."""
    return copy.deepcopy(list(_sample()))


NAME = "must be a name of at most 40 characters"
SECRET = "must be the name of a Secret"
KEY = "must be a key of a Secret"
URL = "must be a URL such as https://host/path"
GLOB = "must be a pattern below the source's path"
LINE = "must be one line of text"

TEMPLATE: Steps = ("spec", "template")
TURN: Steps = (*TEMPLATE, "orchestrator", "turnTimeout")
TEMPERATURE: Steps = (*TEMPLATE, "model", "parameters", "temperature")
LIMITS: Steps = ("spec", "gateway", "rateLimits")
SOURCE: Steps = ("spec", "sources", 0)
SECRET_REF: Steps = ("spec", "credentialsSecretRef")


def _agent(path: Steps, value: Any, says: str, server: str | None = None) -> WrongObject:
    return WrongObject("SupportAgent", path, value, says, server)


def _endpoint(path: Steps, value: Any, says: str, server: str | None = None) -> WrongObject:
    return WrongObject("ModelEndpoint", path, value, says, server)


def _base(path: Steps, value: Any, says: str, server: str | None = None) -> WrongObject:
    return WrongObject("KnowledgeBase", path, value, says, server)


def _names() -> Iterator[WrongObject]:
    """Names that no Service, Secret or tenant could bear."""
    for unfit in ("Retail", "9lives", "-x", "x-", "a.b", "a_b", "a" * 41, "", "ä"):
        # An API server has its own word on some names, before any rule of ours.
        own = "metadata.name" if unfit in {"Retail", "-x", "x-", "a_b", "", "ä"} else None
        yield _agent(("metadata", "name"), unfit, NAME, own or f"metadata.name {NAME}")
    yield _endpoint(("metadata", "name"), "own.server", NAME, f"metadata.name {NAME}")
    yield _base(("metadata", "name"), "4docs", NAME, f"metadata.name {NAME}")
    yield _agent((*TEMPLATE, "model", "modelRef", "name"), "Own_Server", NAME)
    yield _agent((*TEMPLATE, "knowledge", 0, "name"), "hand book", NAME)
    yield _base((*SOURCE, "name"), "Docs", NAME)
    yield _agent(("spec", "tenant", "id"), "Acme Corp", "must be a DNS label")
    yield _agent(("spec", "tenant", "id"), "a" * 64, "must be a DNS label")
    yield _endpoint((*SECRET_REF, "name"), "../token", SECRET)
    yield _endpoint((*SECRET_REF, "name"), "Token", SECRET)
    yield _endpoint((*SECRET_REF, "key"), "../../etc/passwd", KEY)
    yield _endpoint((*SECRET_REF, "key"), "..", KEY)


def _quantities() -> Iterator[WrongObject]:
    """Durations, decimals in text, whole numbers."""
    for unfit in ("banana", "1d", "45", "", "-5s", "1.5m", "30s1m", "0s", "16m", "1000000s", " 45s", "45s\n"):
        yield _agent(TURN, unfit, "must be a duration from 1s to 15m")
    yield _agent(TURN, 60, "must be text; write a number in quotes", "must be of type string")
    yield _agent((*LIMITS, 0, "window"), "25h", "must be a duration from 1s to 24h")
    yield _endpoint(("spec", "timeout"), "50ms", "must be a duration from 100ms to 10m")
    for unfit in ("hot", "2.1", "-0.1", ".5", "1e0", "0,2", "NaN", ""):
        yield _agent(TEMPERATURE, unfit, "must be a decimal number from 0 to 2 in quotes")
    yield _agent(TEMPERATURE, 0.2, "must be text; write a number in quotes", "must be of type string")
    tokens: Steps = (*TEMPLATE, "model", "parameters", "maxOutputTokens")
    yield _agent(tokens, 0, "must be at least 1, not 0", "greater than or equal to 1")
    yield _agent(tokens, 32769, "must be at most 32768, not 32769", "less than or equal to 32768")
    yield _agent(tokens, "800", "must be a whole number", "must be of type integer")
    yield _agent((*TEMPLATE, "knowledge", 0, "topK"), 51, "must be at most 50, not 51", "less than or equal to 50")
    yield _agent((*TEMPLATE, "knowledge", 0, "topK"), "six", "must be a whole number", "must be of type integer")
    yield _agent(
        (*TEMPLATE, "memory", "shortTerm", "maxTurns"), 101, "must be at most 100, not 101", "less than or equal to 100"
    )
    yield _agent((*TEMPLATE, "handoff", "confidenceBelow"), 101, "must be at most 100", "less than or equal to 100")
    yield _agent((*LIMITS, 0, "requests"), 0, "must be at least 1, not 0", "greater than or equal to 1")
    yield _agent((*LIMITS, 0, "requests"), 1.5, "must be a whole number", "must be of type integer")


def _words() -> Iterator[WrongObject]:
    """Enumerations, unknown and missing fields, shapes."""
    yield _agent(("spec", "mode"), "auto", "unknown value auto; did you mean Auto?", 'supported values: "Auto"')
    yield _agent(("spec", "mode"), "Assist", "unknown value Assist", 'supported values: "Auto", "HandoffOnly"')
    yield _agent((*TEMPLATE, "model", "writing"), "Always", "unknown value Always", 'supported values: "Disabled"')
    yield _agent((*TEMPLATE, "handoff", "triggers", 0), "Anger", "unknown value Anger", "supported values")
    yield _agent((*LIMITS, 0, "scope"), "IP", "unknown value IP", 'supported values: "APIKey"')
    yield _endpoint(
        ("spec",), {"embedded": {"model": "GPT"}}, "unknown value GPT", 'supported values: "SmolLM2-135M-Instruct"'
    )
    yield _agent((*TEMPLATE, "knowldge"), [], "unknown field; did you mean knowledge?", 'unknown field "spec.template')
    yield _agent(
        (*TEMPLATE, "orchestrator", "turn_timeout"), "5s", "unknown field; did you mean turnTimeout?", "unknown"
    )
    yield _agent((*TEMPLATE, "tools"), [], "unknown field", 'unknown field "spec.template.tools"')
    yield _agent(("spec", "template"), REMOVED, "is required", "Required value")
    yield _agent((*TEMPLATE, "model"), REMOVED, "is required", "Required value")
    yield _agent((*TEMPLATE, "model", "modelRef", "name"), REMOVED, "is required", "Required value")
    yield _agent((*TEMPLATE, "instructions", "inline"), REMOVED, "is required", "Required value")
    yield _agent((*TEMPLATE, "knowledge"), "handbook", "must be a list", "must be of type array")
    yield _agent((*TEMPLATE, "model"), "own-server", "must be a mapping", "must be of type object")
    yield _base(("spec", "sources"), REMOVED, "is required", "Required value")
    yield _base((*SOURCE, "path"), REMOVED, "is required", "Required value")


def _texts() -> Iterator[WrongObject]:
    """Sizes, URLs, paths, patterns, languages."""
    yield _agent(("spec", "description"), "x" * 1025, "must be at most 1024 characters long", "Too long")
    yield _agent((*TEMPLATE, "instructions", "inline"), "x" * 16385, "must be at most 16384 characters", "Too long")
    yield _agent((*TEMPLATE, "instructions", "inline"), "", "must not be empty", "at least 1 chars long")
    yield _agent((*TEMPLATE, "handoff", "queue"), "", LINE)
    yield _agent((*TEMPLATE, "handoff", "queue"), "tier\n1", LINE)
    for unfit in (
        "models.example.com",
        "ftp://x/",
        "https://",
        "https://not a host!/",
        "https://me:secret@x/",
        "http://x:port",
        "http://x:65536",
    ):
        yield _endpoint(("spec", "url"), unfit, URL)
    yield _base((*SOURCE, "baseURL"), "/docs", URL)
    yield _base((*SOURCE, "path"), "", LINE)
    yield _base((*SOURCE, "path"), "docs\x00", LINE)
    for unfit in ("/etc/*", "../**/*.md", "a/../b", ""):
        yield _base((*SOURCE, "include"), [unfit], GLOB)
    yield _base((*SOURCE, "exclude"), ["../x"], GLOB)
    for unfit in ("english", "EN", "e", ""):
        yield _base(("spec", "language"), unfit, "must be a language of two lower-case letters")


def _combinations() -> Iterator[WrongObject]:
    """Fields that do not go together, entries that stand twice, lists of the wrong length."""
    handoff: Steps = (*TEMPLATE, "handoff")
    yield _agent((*handoff, "triggers"), ["CustomerRequest"], "confidenceBelow needs LowConfidence among triggers")
    yield _agent((*handoff, "confidenceBelow"), REMOVED, "trigger LowConfidence needs confidenceBelow")
    yield _agent(handoff, {"confidenceBelow": 40}, "confidenceBelow needs LowConfidence among triggers")
    yield _agent(handoff, {"triggers": []}, "must have at least 1 entry", "should have at least 1 items")
    twice = ["CustomerRequest", "CustomerRequest"]
    yield _agent(handoff, {"triggers": twice}, "has the same value as entry [0]", "Duplicate value")
    yield _endpoint(("spec",), {}, "set exactly one of embedded")
    yield _endpoint(("spec", "embedded"), {}, "set exactly one of embedded")
    yield _endpoint(("spec", "model"), REMOVED, "url needs model")
    yield _endpoint(("spec",), {"embedded": {}, "model": "x"}, "model belongs to url")
    secret = {"embedded": {}, "credentialsSecretRef": {"name": "x"}}
    yield _endpoint(("spec",), secret, "credentialsSecretRef belongs to url")
    yield _agent(
        (
            *TEMPLATE,
            "knowledge",
        ),
        [{"name": "a"}, {"name": "a"}],
        "has the same name as entry [0]",
        "Duplicate",
    )
    many = [{"name": f"k{index}"} for index in range(17)]
    yield _agent((*TEMPLATE, "knowledge"), many, "must have at most 16, not 17 entries", "must have at most 16 items")
    limit = {"scope": "APIKey", "requests": 1, "window": "1m"}
    yield _agent(LIMITS, [limit, limit], "must have at most 1, not 2 entries", "must have at most 1 item")
    yield _agent(LIMITS, [], "must have at least 1 entry", "should have at least 1 items")
    yield _base(("spec", "sources"), [], "must have at least 1 entry", "should have at least 1 items")
    sources = [{"name": "docs", "path": "a"}, {"name": "docs", "path": "b"}]
    yield _base(("spec", "sources"), sources, "has the same name as entry [0]", "Duplicate value")
    yield _base((*SOURCE, "include"), ["*.md", "*.md"], "has the same value as entry [0]", "Duplicate value")


WRONG_OBJECTS: tuple[WrongObject, ...] = (*_names(), *_quantities(), *_words(), *_texts(), *_combinations())
