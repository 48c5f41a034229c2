"""Objects that nobody may create: each with what is wrong and the sentence that says so. And some at the edge.

One table for two readers: the loader (tests/unit/crds/test_wrong_objects.py) and a real API server
(tests/manifests/test_crds_on_api_server.py). ``says`` is a rule's sentence, the same for both, unless ``server`` gives
the API server's own words for types, ranges and enumerations. ``EDGES`` are values that both must take.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from ruamel.yaml import YAML

from support.repository import REPOSITORY

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
        value = "removed" if self.value is REMOVED else str(self.value)[-70:]
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


GATEWAY: Steps = ("spec", "gateway")
PERSISTENCE: Steps = ("spec", "persistence")
SCALING: Steps = ("spec", "scaling")
WORKLOAD: Steps = ("spec", "workloads", "gateway")
SIZE = "must be a size from "
CPU = "must be a number of CPUs above 0"
HOST = "must be a host name such as support.example.com"
IMAGE = "must be an image with a tag or a digest"
OBJECT = "must be the name of an object on the cluster"
ONE_DATABASE = "set exactly one of secretRef (a database of your own) or cloudNativePG"
ONE_SCALING = "set exactly one of replicas (a fixed number of pods) or autoscaling"
SERVED = {"engine": "VLLM", "image": "vllm/vllm-openai:v0.15.0", "model": "Qwen/Qwen3-8B"}


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
    yield _agent((*LIMITS, 0, "scope"), "Tenant", "unknown value Tenant", 'supported values: "APIKey"')
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
    yield _base((*SOURCE, "path"), REMOVED, "set exactly one of path")


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
    yield _agent(LIMITS, [limit, limit], "has the same scope as entry [0]", "Duplicate value")
    yield _agent(LIMITS, [], "must have at least 1 entry", "should have at least 1 items")
    yield _base(("spec", "sources"), [], "must have at least 1 entry", "should have at least 1 items")
    sources = [{"name": "docs", "path": "a"}, {"name": "docs", "path": "b"}]
    yield _base(("spec", "sources"), sources, "has the same name as entry [0]", "Duplicate value")
    yield _base((*SOURCE, "include"), ["*.md", "*.md"], "has the same value as entry [0]", "Duplicate value")


def _class(path: Steps, value: Any, says: str, server: str | None = None) -> WrongObject:
    return WrongObject("SupportAgentClass", path, value, says, server)


def _served(field: str, value: Any, says: str, server: str | None = None) -> WrongObject:
    return _endpoint(("spec",), {"serving": {**SERVED, field: value}}, says, server)


def _stores() -> Iterator[WrongObject]:
    """Two stores of one kind, none, sizes that are none, words that are none."""
    both: dict[str, Any] = {"secretRef": {"name": "x"}, "cloudNativePG": {}}
    yield _agent((*PERSISTENCE, "database"), both, ONE_DATABASE)
    yield _agent((*PERSISTENCE, "database"), {}, ONE_DATABASE)
    yield _agent((*PERSISTENCE, "database", "secretRef", "name"), "Data_Base", SECRET)
    for unfit in ("ten", "10GB", "0Gi", "-1Gi", "10 Gi", "1e9", ""):
        yield _agent((*PERSISTENCE, "database"), {"cloudNativePG": {"storageSize": unfit}}, SIZE)
    most = {"cloudNativePG": {"instances": 10}}
    yield _agent((*PERSISTENCE, "database"), most, "must be at most 9, not 10", "less than or equal to 9")
    none = {"cloudNativePG": {"instances": 0}}
    yield _agent((*PERSISTENCE, "database"), none, "must be at least 1, not 0", "greater than or equal to 1")
    yield _agent((*PERSISTENCE, "database"), {"cloudNativePG": {"storageClassName": "Fast"}}, OBJECT)
    yield _agent((*PERSISTENCE, "cache"), {"secretRef": {"name": "x"}, "managed": {}}, "set exactly one of secretRef")
    yield _agent((*PERSISTENCE, "cache"), {}, "set exactly one of secretRef (a Redis of your own) or managed")
    yield _agent((*PERSISTENCE, "cache"), {"managed": {"size": "1Gi"}}, "unknown field", "unknown field")
    weaviate: Steps = (*PERSISTENCE, "vectorStore", "weaviate")
    yield _agent((*weaviate, "managed"), {}, "set exactly one of url (a Weaviate of your own) or managed")
    yield _agent((*weaviate, "url"), "weaviate.search.svc:8080", URL)
    yield _agent((*weaviate, "grpcPort"), 65536, "must be at most 65535", "less than or equal to 65535")
    yield _agent(weaviate, {"managed": {}, "grpcPort": 50052}, "grpcPort belongs to url")
    yield _agent(weaviate, {"managed": {}, "apiKeySecretRef": {"name": "x"}}, "apiKeySecretRef belongs to url")
    yield _agent((*PERSISTENCE, "vectorStore"), {}, "is required", "Required value")
    yield _agent((*PERSISTENCE, "deletionPolicy"), "Retain", "unknown value Retain", 'supported values: "Keep"')


def _numbers_of_pods() -> Iterator[WrongObject]:
    yield _agent(SCALING, {}, ONE_SCALING)
    yield _agent(SCALING, {"podDisruptionBudget": {"maxUnavailable": 1}}, ONE_SCALING)
    yield _agent((*SCALING, "autoscaling"), {"maxReplicas": 3}, ONE_SCALING)
    yield _agent((*SCALING, "replicas"), -1, "must be at least 0, not -1", "greater than or equal to 0")
    yield _agent((*SCALING, "replicas"), 501, "must be at most 500, not 501", "less than or equal to 500")
    yield _agent((*SCALING, "replicas"), "3", "must be a whole number", "must be of type integer")
    budget: Steps = (*SCALING, "podDisruptionBudget", "maxUnavailable")
    yield _agent(budget, "lots", "must be a whole number", "must be of type integer")
    yield _agent(budget, "25%", "must be a whole number", "must be of type integer")
    yield _agent(budget, 0, "must be at least 1, not 0", "greater than or equal to 1")
    more = {"autoscaling": {"minReplicas": 5, "maxReplicas": 4}}
    yield _agent(SCALING, more, "minReplicas must not be more than maxReplicas")
    yield _agent(SCALING, {"autoscaling": {"maxReplicas": 1}}, "minReplicas must not be more than maxReplicas")
    yield _agent(SCALING, {"autoscaling": {"minReplicas": 1}}, "is required", "Required value")
    zero = {"autoscaling": {"minReplicas": 0, "maxReplicas": 4}}
    yield _agent(SCALING, zero, "must be at least 1, not 0", "greater than or equal to 1")
    other = {"autoscaling": {"maxReplicas": 4, "provider": "VPA"}}
    yield _agent(SCALING, other, "unknown value VPA", 'supported values: "HPA", "KEDA"')
    for target, says, server in (
        ({"metric": "Custom", "value": 5}, "unknown value Custom", "supported values"),
        ({"metric": "CPUUtilization", "value": 101}, "must be at most 100", "less than or equal to 100"),
        ({"metric": "CPUUtilization", "value": 0}, "must be at least 1, not 0", "greater than or equal to 1"),
    ):
        yield _agent(SCALING, {"autoscaling": {"maxReplicas": 4, "targets": [target]}}, says, server)
    twice = [{"metric": "CPUUtilization", "value": 50}, {"metric": "CPUUtilization", "value": 60}]
    targets = {"autoscaling": {"maxReplicas": 4, "targets": twice}}
    yield _agent(SCALING, targets, "has the same metric as entry [0]", "Duplicate value")


def _routes() -> Iterator[WrongObject]:
    yield _agent((*GATEWAY, "ingress"), {"className": "nginx"}, "set parentRefs (Gateway API) or ingress, not both")
    yield _agent((*GATEWAY, "hostnames"), [], "parentRefs and ingress need hostnames")
    yield _agent(GATEWAY, {"ingress": {"className": "nginx"}}, "parentRefs and ingress need hostnames")
    for unfit in ("https://a.example", "a.example:443", "*.example.com", "A.example", "10.0.0.1", "a..b", "-a.b", ""):
        yield _agent((*GATEWAY, "hostnames"), [unfit], HOST)
    yield _agent((*GATEWAY, "hostnames"), ["a.b", "a.b"], "has the same value as entry [0]", "Duplicate value")
    many = [f"h{index}.example" for index in range(17)]
    yield _agent((*GATEWAY, "hostnames"), many, "must have at most 16, not 17 entries", "must have at most 16 items")
    yield _agent((*GATEWAY, "parentRefs", 0, "name"), "Public", OBJECT)
    yield _agent((*GATEWAY, "parentRefs", 0, "namespace"), "a.b", "must be the name of a namespace")
    refs = [{"name": f"g{index}"} for index in range(5)]
    yield _agent((*GATEWAY, "parentRefs"), refs, "must have at most 4, not 5 entries", "must have at most 4 items")
    issued = {"ingress": {"className": "nginx", "clusterIssuer": "ca"}, "hostnames": ["a.b"]}
    yield _agent(GATEWAY, issued, "clusterIssuer needs tlsSecretRef")
    bare = {"ingress": {}, "hostnames": ["a.b"]}
    yield _agent(GATEWAY, bare, "is required", "Required value")
    yield _agent((*GATEWAY, "auth", "apiKeysSecretRef", "name"), "API keys", SECRET)
    yield _agent((*GATEWAY, "auth", "methods"), ["OIDC"], "unknown field", 'unknown field "spec.gateway.auth.methods"')
    peers: Steps = ("spec", "networkPolicy", "ingressFrom")
    peer = {"name": "a", "namespaceLabels": {"team": "a"}}
    yield _agent(peers, [peer, peer], "has the same name as entry [0]", "Duplicate value")
    yield _agent(
        peers, [{"name": "a", "namespaceLabels": {}}], "must have at least 1 entry", "should have at least 1 properties"
    )
    yield _agent(("spec", "networkPolicy", "enabled"), "always", "must be true or false", "must be of type boolean")
    yield _agent(("spec", "observability", "alerts"), 1, "must be true or false", "must be of type boolean")


def _pods() -> Iterator[WrongObject]:
    """Images, resources, where pods run."""
    for unfit in ("supportplane", "Supportplane:1", "a b:1", "registry:5000/", "x@sha256:abc", "x:", ":1", ""):
        yield _agent(("spec", "images", "runtime"), unfit, IMAGE)
    yield _agent(("spec", "images", "imagePullSecrets", 0, "name"), "../registry", SECRET)
    yield _agent(("spec", "classRef", "name"), "Standard", NAME)
    for unfit in ("0", "-1", "lots", "1.5m", "1Gi", ""):
        yield _agent((*WORKLOAD, "resources"), {"requests": {"cpu": unfit}}, CPU)
    yield _agent((*WORKLOAD, "resources"), {"limits": {"memory": "1GB"}}, SIZE)
    yield _agent((*WORKLOAD, "resources"), {"limits": {"memory": 512}}, "must be text", "must be of type string")
    more = {"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}
    yield _agent((*WORKLOAD, "resources"), more, "requests.cpu must not be more than limits.cpu")
    larger = {"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}}
    yield _agent((*WORKLOAD, "resources"), larger, "requests.memory must not be more than limits.memory")
    yield _agent((*WORKLOAD, "hostNetwork"), "true", "unknown field", "unknown field")
    yield _agent((*WORKLOAD, "topologySpread"), "Rack", "unknown value Rack", 'supported values: "Zone"')
    yield _agent((*WORKLOAD, "nodeSelector"), {"disk": "fast!"}, "must be the value of a label")
    yield _agent((*WORKLOAD, "nodeSelector"), {"Disk/a/b": "fast"}, "must have keys such as disk")
    yield _agent((*WORKLOAD, "annotations"), {"a b": "c"}, "must have keys such as disk")
    yield _agent((*WORKLOAD, "annotations"), {"a": 1}, "must be text", "must be of type string")
    tolerations: Steps = (*WORKLOAD, "tolerations")
    yield _agent(tolerations, [{"key": "gpu"}], "operator Equal needs value")
    yield _agent(tolerations, [{"key": "a", "operator": "Exists", "value": "b"}], "operator Exists has none")
    yield _agent(tolerations, [{"operator": "Exists"}], "is required", "Required value")
    yield _agent((*tolerations, 0, "effect"), "Nothing", "unknown value Nothing", "supported values")


def _companions() -> Iterator[WrongObject]:
    """Served models, documents of a cluster, classes."""
    yield _endpoint(("spec", "serving"), SERVED, "set exactly one of embedded")
    yield _endpoint(("spec",), {"serving": SERVED, "model": "x"}, "model belongs to url")
    secret = {"serving": SERVED, "credentialsSecretRef": {"name": "x"}}
    yield _endpoint(("spec",), secret, "credentialsSecretRef belongs to url")
    yield _served("engine", "Ollama", "unknown value Ollama", 'supported values: "TGI", "VLLM", "LlamaCpp"')
    yield _served("image", "vllm/vllm-openai", IMAGE)
    yield _served("model", "", "must be the id of a model")
    yield _served("gpu", {"count": -1}, "must be at least 0, not -1", "greater than or equal to 0")
    yield _served("gpu", {"count": 17}, "must be at most 16, not 17", "less than or equal to 16")
    yield _served("gpu", {"resourceName": "nvidia gpu"}, "must be the name of a resource that nodes offer")
    yield _served("cacheSize", "20Gb", SIZE)
    yield _served("replicas", 0, "must be at least 1, not 0", "greater than or equal to 1")
    yield _served("hubTokenSecretRef", {"name": "x", "key": "../x"}, KEY)
    yield _base((*SOURCE, "configMap"), {"name": "x"}, "set exactly one of path")
    yield _base((*SOURCE, "volumeClaim"), {"name": "x"}, "set exactly one of path")
    yield _base(SOURCE, {"name": "a", "configMap": {"name": "A_b"}}, OBJECT)
    for unfit in ("/etc", "../x", ""):
        volume = {"name": "a", "volumeClaim": {"name": "x", "subPath": unfit}}
        yield _base(SOURCE, volume, "must be a path inside the volume")
    yield _class(("metadata", "name"), "a.b", NAME, f"metadata.name {NAME}")
    yield _class(("spec", "images", "redis"), "redis", IMAGE)
    yield _class(("spec", "database"), {}, "is required", "Required value")
    yield _class(("spec", "gateway", "ingressClassName"), "Nginx", OBJECT)
    yield _class(("spec", "persistence"), {}, "unknown field", 'unknown field "spec.persistence"')
    yield _class(("spec",), REMOVED, "is required", "Required value")


def _guessed() -> Iterator[WrongObject]:
    """What somebody would try who has not read this table."""
    sentence = "must be text that says something"
    for unfit in ("   ", "\n\n", "a\x00b", "a\x1bb"):
        yield _agent((*TEMPLATE, "instructions", "inline"), unfit, sentence)
    for unfit in ("   ", " tier-1", "tier-1 ", "\u00a0", "tier\x9b1", "\u200b", "tier\u202e1"):
        yield _agent((*TEMPLATE, "handoff", "queue"), unfit, LINE)
    yield _endpoint(("spec", "model"), " qwen", LINE)
    for unfit in (
        "http://[:::]/v1",
        "http://[1::2::3]/v1",
        "http://[::1",
        "http://999.1.1.1/v1",
        "http://1.2.3/v1",
        "http://models.123/v1",
        f"http://{'a' * 64}.example/v1",
        f"http://{'.'.join(['a' * 60] * 5)}/v1",
        "http://x:0/v1",
        "https://x/v1?key=secret",
        "https://x/v1#part",
        "HTTPS://x/v1",
        "https:/x/v1",
        "https://ä.example/v1",
        "https://x/v1\n",
    ):
        yield _endpoint(("spec", "url"), unfit, URL)
    yield _agent((*PERSISTENCE, "vectorStore", "weaviate", "url"), "http://weaviate:8080/?a=b", URL)


def _guessed_parts() -> Iterator[WrongObject]:
    """The same of images, documents, sizes and model servers."""
    for unfit in (
        "a..b:1",
        "a___b:1",
        "a.-b:1",
        "a/:1",
        "/a:1",
        "a:1:2",
        "a:1@sha256:0",
        f"a:{'1' * 129}",
        f"{'a/' * 128}b:1",
    ):
        yield _agent(("spec", "images", "runtime"), unfit, IMAGE)
    for unfit in ("xx", "zz", "en-US", "e1"):
        yield _base(("spec", "language"), unfit, "must be a language of two lower-case letters")
    for unfit in ("[z-a].md", "[.md", "{a,b}.md", "docs\\*.md", "a//b", "!*.md", ".", "./*.md", "a/"):
        yield _base((*SOURCE, "include"), [unfit], GLOB)
    yield _base((*SOURCE, "exclude"), ["**/*.md"], "exclude leaves out everything that include selects")
    for everything in ("*", "**", "**/*"):
        yield _base((*SOURCE, "exclude"), [everything], "exclude leaves out everything that include selects")
    folders = {"name": "a", "configMap": {"name": "a"}, "include": ["docs/*.md"]}
    yield _base(SOURCE, folders, "include with configMap can only hold patterns such as *.md")
    for unfit in ("*.pdf", "**/*.DOCX", "faq.xls"):
        yield _base((*SOURCE, "include"), ["*.md", unfit], "include selects what cannot be read")
    yield _agent(("spec", "description"), " ", "must be text that says something")
    both = [{"name": "a", "path": "docs"}, {"name": "b", "configMap": {"name": "docs"}}]
    yield _base(("spec", "sources"), both, "sources must be all of a laptop (path) or all of a cluster")
    for unfit in ("512", "1k", "15.9Mi", "65Ti", "999999999999999Ti"):
        yield _agent((*WORKLOAD, "resources"), {"limits": {"memory": unfit}}, SIZE)
    for unfit in ("10", "99Mi", "1025Ti"):
        yield _agent((*PERSISTENCE, "database"), {"cloudNativePG": {"storageSize": unfit}}, SIZE)
    for unfit in ("gpu", "cpu", "kubernetes.io/gpu", "a.kubernetes.io/gpu", "nvidia.com/", "nvidia.com/a/b"):
        yield _served("gpu", {"resourceName": unfit, "count": 1}, "must be the name of a resource that nodes offer")
    for unfit in (
        "--trust-remote-code",
        "Qwen/Qwen3 8B",
        "../weights",
        "a;b",
        "$(HF_TOKEN)",
        "a\nb",
        "/",
        "a//b",
        "a/.b",
    ):
        yield _served("model", unfit, "must be the id of a model")


def _impossible() -> Iterator[WrongObject]:
    """What takes confinement away, numbers of pods that protect nothing, metrics of what is not requested."""
    for unfit in (
        "supportplane.io/config-hash",
        "container.apparmor.security.beta.kubernetes.io/gateway",
        "seccomp.security.alpha.kubernetes.io/pod",
    ):
        yield _agent((*WORKLOAD, "annotations"), {unfit: "unconfined"}, "must not have keys of supportplane.io/")
    closed = {"enabled": False, "ingressFrom": [{"name": "a", "namespaceLabels": {"team": "a"}}]}
    yield _agent(("spec", "networkPolicy"), closed, "ingressFrom needs enabled")
    all_away = {"podDisruptionBudget": {"maxUnavailable": 3}}
    yield _agent(SCALING, {"replicas": 3, **all_away}, "maxUnavailable must be less than replicas")
    scaled = {"autoscaling": {"minReplicas": 2, "maxReplicas": 9}, **all_away}
    yield _agent(SCALING, scaled, "maxUnavailable must be less than minReplicas")
    for metric, resource, other in (
        ("CPUUtilization", "cpu", {"memory": "1Gi"}),
        ("MemoryUtilization", "memory", {"cpu": "1"}),
    ):
        targets = {"maxReplicas": 4, "targets": [{"metric": metric, "value": 70}]}
        spec = _spec(workloads={"orchestrator": {"resources": {"requests": other}}}, scaling={"autoscaling": targets})
        yield _agent(("spec",), spec, f"set requests.{resource} wherever")


def _spec(**more: Any) -> dict[str, Any]:
    """Of the sample's agent, with some of its parts replaced; these come last, so that a title tells of them."""
    agent = next(document for document in full_sample() if document["kind"] == "SupportAgent")
    return {name: part for name, part in agent["spec"].items() if name not in more} | more


WRONG_OBJECTS: tuple[WrongObject, ...] = (
    *(*_names(), *_quantities(), *_words(), *_texts(), *_combinations()),
    *(*_stores(), *_numbers_of_pods(), *_routes(), *_pods(), *_companions()),
    *(*_guessed(), *_guessed_parts(), *_impossible()),
)


def _edges() -> Iterator[WrongObject]:
    """What is just allowed; ``says`` is empty."""
    for size in ("104857600", "102400.5Ki", "1.5Gi", "512M", "1099511627776Ki", "1024Ti"):
        yield _agent((*PERSISTENCE, "database"), {"cloudNativePG": {"storageSize": size}}, "")
    for cpus in ("1", "0.001", "0.5", "999999m", "9999.999"):
        yield _agent((*WORKLOAD, "resources"), {"requests": {"cpu": cpus}}, "")
    same = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}}
    yield _agent((*WORKLOAD, "resources"), same, "")
    for host in ("localhost", "a.b", f"{'a' * 63}.example", "xn--bcher-kva.example", "1.example"):
        yield _agent((*GATEWAY, "hostnames"), [host], "")
    digest = f"sha256:{'0' * 64}"
    for image in ("a:1", f"a@{digest}", f"localhost:5000/a/b-c__d:v1.2-x@{digest}", "ghcr.io/a/b.c:latest"):
        yield _agent(("spec", "images", "runtime"), image, "")
    labels = {"a": "", "example.com/a": "b", f"{'a' * 63}": "c", f"{'b.' * 100}example/x": "Yes_1.2-3"}
    yield _agent((*WORKLOAD, "nodeSelector"), labels, "")
    yield _agent(SCALING, {"replicas": 0}, "")
    yield _agent(SCALING, {"autoscaling": {"minReplicas": 500, "maxReplicas": 500}}, "")
    yield _agent(("metadata", "name"), "a" * 40, "")
    yield _agent(TURN, "15m", "")
    yield _agent(SCALING, {"replicas": 1, "podDisruptionBudget": {"maxUnavailable": 5}}, "")
    limited = {"gateway": {"resources": {"limits": {"cpu": "1"}}}, "orchestrator": {"resources": {}}}
    yield _agent(("spec",), _spec(scaling={"autoscaling": {"maxReplicas": 4}}, workloads=limited), "")
    for model in ("Qwen/Qwen3-8B", "/models/a.gguf", "owner/repo:Q4_K_M"):
        yield _endpoint(("spec",), {"serving": {**SERVED, "model": model}}, "")
    for url in ("http://[2001:db8::1]:8000/v1", "http://10.0.0.1/v1", "http://vllm:8000", "https://A.example/a%20b"):
        yield _endpoint(("spec", "url"), url, "")
    flat = {"name": "a", "configMap": {"name": "a"}, "include": ["*.md", "**/*.txt", "faq-?.html"]}
    yield _base(SOURCE, flat, "")
    yield _base((*SOURCE, "exclude"), ["*/**", "internal/**", "**/draft-*"], "")
    yield _agent(("spec", "images", "runtime"), f"{'a/' * 127}b:1", "")
    yield _class(("spec",), {}, "")
    yield _endpoint(("spec",), {"serving": SERVED}, "")


EDGES: tuple[WrongObject, ...] = tuple(_edges())
