"""Every rule's CEL and its Python check say the same: the CEL is evaluated by the official runtime.

Scalars are tried with text made for and against the rule; objects with every combination of their fields present.
"""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from supportplane_crds.exposure import Ingress, NetworkPolicy
from supportplane_crds.knowledge_base import EmbeddingModel, KnowledgeBaseSpec, KnowledgeSource
from supportplane_crds.load import KINDS
from supportplane_crds.model_endpoint import ModelEndpointSpec
from supportplane_crds.objects import METADATA_RULES, ContractModel
from supportplane_crds.persistence import Cache, Database, Weaviate
from supportplane_crds.quantity import DecimalText, Duration
from supportplane_crds.resources import Resources, Toleration, parse_quantity
from supportplane_crds.rules import RULE_BROKEN, Rule
from supportplane_crds.scaling import Autoscaling, Scaling
from supportplane_crds.structural import structural_schema
from supportplane_crds.support_agent import Gateway, Handoff, Model, SupportAgentSpec
from supportplane_crds.text import NAME_RULE

cel = pytest.importorskip("cel_expr_python.cel", reason="cel-expr-python has wheels for Linux only")
# quantity() is the API server's own function; here it is a number, which is all that rules ask of it.
QUANTITY = [
    cel.FunctionDecl(
        "quantity",
        [cel.Overload("quantity", cel.Type.DOUBLE, [cel.Type.STRING], impl=lambda text: float(parse_quantity(text)))],
    ),
    cel.FunctionDecl(
        "compareTo",
        [
            cel.Overload(
                "compare",
                cel.Type.INT,
                [cel.Type.DOUBLE, cel.Type.DOUBLE],
                is_member=True,
                impl=lambda one, other: (one > other) - (one < other),
            )
        ],
    ),
]
ENVIRONMENT = cel.NewEnv(variables={"self": cel.Type.DYN}, functions=QUANTITY)


@cache
def compiled(expression: str) -> Any:
    return ENVIRONMENT.compile(expression)


def holds(rule: Rule, value: Any) -> bool:
    """What the API server says; an evaluation error is a refusal there, and a mistake in the rule."""
    result = compiled(rule.cel).eval(data={"self": value}).value()
    assert isinstance(result, bool), f"{rule.cel} on {value!r}: {result}"
    return result


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for info in model.model_fields.values():
        for part in (info.annotation, *getattr(info.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part)


def scalar_rules() -> Iterator[Rule]:
    for model in {found for kind in KINDS.values() for found in models(kind)}:
        for info in model.model_fields.values():
            yield from rules_in([*info.metadata, info.annotation])


def rules_in(parts: list[Any]) -> Iterator[Rule]:
    for part in parts:
        if isinstance(part, Rule):
            yield part
        elif isinstance(part, (Duration, DecimalText)):
            yield part.rule
        else:
            yield from rules_in([*getattr(part, "__metadata__", ()), *getattr(part, "__args__", ())])


MAP_RULES = {rule.cel: rule for rule in scalar_rules() if rule.cel.startswith("self.all(key")}
SCALAR_RULES = {rule.cel: rule for rule in scalar_rules() if rule.cel not in MAP_RULES}
EVERY_SCALAR_RULE = pytest.mark.parametrize("rule", SCALAR_RULES.values(), ids=lambda rule: rule.message[:40])

# Letters that matter to some rule, and pieces that come close to fitting or to slipping through. The binding cuts text
# at NUL: a real API server is asked about that one (tests/manifests).
WORDS = ["45s", "2m", "1h", "500ms", "1.5", "http://", "https://", "a.b", ":80", "/x", "**/*.md", "..", "[::1]"]
PIECES = st.sampled_from([*WORDS, *"aZ029-_. /\\:*@%\n\t\x01ä٣\U0001f600\u2028\x7f\x85"])
LETTERS = st.characters(codec="utf-8", exclude_characters="\x00")
TEXT = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(LETTERS, max_size=70))


@EVERY_SCALAR_RULE
@settings(max_examples=150, deadline=None)
@given(text=TEXT)
@example(text="")
@example(text="a" * 40)
@example(text="a" * 41)
@example(text="a" * 63)
@example(text="a" * 64)
@example(text="a\n")
@example(text="999999h999999m99s")
@example(text="15m")
@example(text="15m1ms")
@example(text="2.0")
@example(text="2.000001")
@example(text="https://a.example/x?y=1#z")
@example(text="http://[::1]:8080/")
@example(text="http://a:65535")
@example(text="http://a:65536")
@example(text="a/..")
@example(text="http://[1:2:3:4:5:6:7:8]/")
@example(text="http://[1::8]/")
@example(text="http://[1:2:3:4:5:6:7::8]/")
@example(text="http://255.255.255.256/")
@example(text="16Mi")
@example(text="15.999Mi")
@example(text="1024Ti")
@example(text="de")
@example(text=" a ")
@example(text="\xa0a")
@example(text="a\tb\n")
@example(text="nvidia.com/gpu")
@example(text="a.kubernetes.io/gpu")
def test_a_rule_on_text_means_the_same_to_both(rule: Rule, text: str) -> None:
    assert holds(rule, text) == rule.check(text)


@pytest.mark.parametrize("rule", MAP_RULES.values(), ids=lambda rule: rule.message[:40])
@settings(max_examples=150, deadline=None)
@given(keys=st.lists(TEXT, max_size=3))
@example(keys=["disk", "example.com/disk"])
@example(keys=["disk", "Example.com/disk"])
@example(keys=["a" * 63, "a" * 64])
@example(keys=["a/b/c"])
@example(keys=["supportplane.io/paused"])
@example(keys=["my-supportplane.io/paused"])
@example(keys=["container.apparmor.security.beta.kubernetes.io/gateway"])
def test_a_rule_on_the_keys_of_a_mapping_means_the_same_to_both(rule: Rule, keys: list[str]) -> None:
    entries = dict.fromkeys(keys, "x")
    assert holds(rule, entries) == rule.check(entries)


def test_there_are_rules_for_every_kind_of_text() -> None:
    assert len(SCALAR_RULES) >= 12


@pytest.mark.parametrize("rule", [*SCALAR_RULES.values(), *MAP_RULES.values()], ids=lambda rule: rule.message[:40])
def test_a_rule_uses_only_what_both_pattern_languages_read_alike(rule: Rule) -> None:
    assert not re.search(r"\\[dwsbDWSB]|\(\?", rule.cel)


CHOICES: dict[type[ContractModel], dict[str, list[Any]]] = {
    Handoff: {
        "queue": ["tier-1"],
        "triggers": [["LowConfidence"], ["CustomerRequest"], ["MissingKnowledge", "LowConfidence"]],
        "confidenceBelow": [1, 40],
    },
    Model: {
        "modelRef": [{"name": "slm"}],
        "writing": ["Disabled", "Verified"],
        "judgeRef": [{"name": "judge"}],
    },
    ModelEndpointSpec: {
        "embedded": [{}],
        "url": ["https://models.example.com/v1"],
        "model": ["qwen3-8b"],
        "credentialsSecretRef": [{"name": "token"}],
        "serving": [{"engine": "TGI", "image": "tgi:3", "model": "m"}],
        "timeout": ["30s"],
    },
    KnowledgeSource: {
        "name": ["docs"],
        "path": ["docs"],
        "configMap": [{"name": "docs"}],
        "volumeClaim": [{"name": "docs"}],
        "include": [["*.md"], ["*.md", "**/*.txt"], ["docs/*.md"], ["**/*.PDF"]],
        "exclude": [["*.md"], ["**"]],
        "baseURL": ["https://docs.example.com/"],
        "linkSuffix": ["", "/"],
    },
    KnowledgeBaseSpec: {
        "sources": [
            [{"name": "a", "path": "a"}],
            [{"name": "a", "configMap": {"name": "a"}}, {"name": "b", "volumeClaim": {"name": "b"}}],
            [{"name": "a", "path": "a"}, {"name": "b", "volumeClaim": {"name": "b"}}],
        ],
        "language": ["en", "de"],
        "embedding": [{"model": str(model)} for model in EmbeddingModel],
    },
    NetworkPolicy: {
        "enabled": [True, False],
        "ingressFrom": [[], [{"name": "a", "namespaceLabels": {"team": "a"}}]],
    },
    SupportAgentSpec: {
        "template": [{"model": {"modelRef": {"name": "m"}}}],
        "scaling": [
            {"replicas": 2, "podDisruptionBudget": {"maxUnavailable": 1}},
            *(
                {
                    "autoscaling": {
                        "minReplicas": 2,
                        "maxReplicas": 4,
                        "targets": [{"metric": metric, "value": 70} for metric in metrics],
                    },
                    "podDisruptionBudget": {"maxUnavailable": 1},
                }
                for metrics in (["CPUUtilization"], ["MemoryUtilization"], ["CPUUtilization", "MemoryUtilization"])
            ),
        ],
        "workloads": [
            {role: {"resources": {part: amounts}}}
            for role in ("gateway", "orchestrator", "knowledge")
            for part in ("requests", "limits")
            for amounts in ({"cpu": "1"}, {"memory": "1Gi"}, {"cpu": "1", "memory": "1Gi"}, {})
        ]
        + [{"gateway": {}}, {"gateway": {"resources": {}}}],
    },
    Gateway: {
        "parentRefs": [[], [{"name": "public"}]],
        "ingress": [{"className": "nginx"}],
        "hostnames": [[], ["a.example"]],
    },
    Ingress: {
        "className": ["nginx"],
        "tlsSecretRef": [{"name": "certificate"}],
        "clusterIssuer": ["letsencrypt"],
    },
    Database: {"secretRef": [{"name": "database"}], "cloudNativePG": [{}]},
    Cache: {"secretRef": [{"name": "cache"}], "managed": [{}]},
    Weaviate: {
        "url": ["http://weaviate"],
        "grpcPort": [50051, 50052],
        "apiKeySecretRef": [{"name": "weaviate"}],
        "managed": [{}],
    },
    Scaling: {
        "replicas": [0, 1, 3],
        "autoscaling": [{"minReplicas": least, "maxReplicas": 5} for least in (1, 2, 4)],
        "podDisruptionBudget": [{"maxUnavailable": most} for most in (1, 2, 3, 4)],
    },
    Autoscaling: {"minReplicas": [1, 3], "maxReplicas": [2, 3, 4]},
    Resources: {
        "requests": [{}, {"cpu": "1", "memory": "1Gi"}, {"cpu": "500m"}, {"memory": "1500M"}],
        "limits": [{}, {"cpu": "999m", "memory": "2G"}, {"cpu": "0.5"}, {"memory": "1Gi"}],
    },
    Toleration: {"key": ["gpu"], "operator": ["Equal", "Exists"], "value": ["yes", ""]},
}


def combinations(choices: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    absent = object()
    for values in itertools.product(*([absent, *some] for some in choices.values())):
        yield {name: value for name, value in zip(choices, values, strict=True) if value is not absent}


def with_defaults(model: type[ContractModel], values: dict[str, Any]) -> dict[str, Any]:
    """What the API server evaluates rules on: absent lists and words have their defaults."""
    return {**defaults(model), **values}


@cache
def defaults(model: type[ContractModel]) -> dict[str, Any]:
    parts = structural_schema(model)["properties"]
    return {name: part["default"] for name, part in parts.items() if "default" in part}


@cache
def adapter(model: type[ContractModel]) -> TypeAdapter[ContractModel]:
    return TypeAdapter(model)


def refusals(model: type[ContractModel], values: dict[str, Any]) -> set[str]:
    try:
        adapter(model).validate_python(values, strict=False)
    except ValidationError as error:
        (details,) = error.errors()
        assert details["type"] == RULE_BROKEN
        return set(details["ctx"]["messages"])
    return set()


@pytest.mark.parametrize("model", CHOICES, ids=lambda model: model.__name__)
def test_rules_between_fields_mean_the_same_to_both(model: type[ContractModel]) -> None:
    met: set[str] = set()
    required = set(structural_schema(model).get("required", []))
    for values in combinations(CHOICES[model]):
        if required - values.keys():
            continue
        expected = {rule.message for rule in model.rules if not holds(rule, with_defaults(model, values))}
        assert refusals(model, values) == expected, values
        met |= expected
    assert met == {rule.message for rule in model.rules}, "a rule that no combination breaks is not tested"


def test_every_model_with_rules_is_tried() -> None:
    assert {found for kind in KINDS.values() for found in models(kind) if getattr(found, "rules", ())} == set(CHOICES)


@settings(deadline=None)
@given(TEXT)
def test_the_rule_on_a_whole_object_is_the_rule_on_its_name(name: str) -> None:
    (rule,) = METADATA_RULES
    assert holds(rule, {"metadata": {"name": name}}) == NAME_RULE.check(name)
