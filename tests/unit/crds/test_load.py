"""A whole file: what is between its documents, what is around them, and how the refusal reads."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from supportplane_crds import (
    AgentFile,
    InvalidAgentFile,
    InvalidObject,
    Problem,
    SupportAgentClass,
    agent_from_objects,
    load_agent_file,
    parse_agent_file,
    parse_object,
)
from supportplane_crds.documents import MAX_BYTES

AGENT = """\
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {name: helpdesk}
spec:
  template:
    model: {modelRef: {name: slm}}
    knowledge:
    - name: handbook
"""
ENDPOINT = """\
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {name: slm}
spec: {embedded: {}}
"""
BASE = """\
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {name: handbook}
spec:
  sources:
  - name: docs
    path: docs
"""
CLASS = """\
apiVersion: supportplane.io/v1alpha1
kind: SupportAgentClass
metadata: {name: standard}
spec: {}
"""
WHOLE = f"{AGENT}---\n{ENDPOINT}---\n{BASE}"


def parsed(*documents: str) -> AgentFile:
    return parse_agent_file("---\n".join(documents), Path("/srv/agent.yaml"))


def problems(*documents: str) -> list[Problem]:
    with pytest.raises(InvalidAgentFile) as refusal:
        parsed(*documents)
    return list(refusal.value.problems)


def only(*documents: str) -> Problem:
    (problem,) = problems(*documents)
    return problem


def test_references_are_followed() -> None:
    agent_file = parsed(BASE, ENDPOINT, AGENT)
    assert agent_file.agent.name == "helpdesk"
    assert agent_file.model_endpoint.name == "slm"
    base = agent_file.knowledge_base("handbook")
    assert agent_file.source_path(base.spec.sources[0]) == Path("/srv/docs")


def test_the_endpoint_of_the_agent_is_the_one_it_names() -> None:
    other = ENDPOINT.replace("slm", "aaa")
    assert parsed(other, AGENT, BASE, ENDPOINT).model_endpoint.name == "slm"


def test_a_model_that_the_file_does_not_hold_is_named_with_what_it_holds() -> None:
    problem = only(AGENT.replace("name: slm", "name: slmm"), ENDPOINT, BASE)
    assert problem == Problem(
        "the file has no ModelEndpoint slmm",
        path="spec.template.model.modelRef.name",
        line=6,
        column=24,
        document="SupportAgent/helpdesk",
        allowed=("slm",),
        suggestion="slm",
    )


def test_a_knowledge_base_that_the_file_does_not_hold_is_named_by_its_entry() -> None:
    problem = only(AGENT, ENDPOINT)
    assert (problem.path, problem.line) == ("spec.template.knowledge[0].name", 8)
    assert problem.message == "the file has no KnowledgeBase handbook"


def test_a_second_agent_is_refused() -> None:
    second = AGENT.replace("helpdesk", "other")
    assert only(AGENT, ENDPOINT, BASE, second).message == "a file describes one agent, and helpdesk is in it already"


def test_two_documents_of_one_kind_and_name_are_refused() -> None:
    problem = only(AGENT, ENDPOINT, BASE, ENDPOINT)
    assert problem.message == "the file has another ModelEndpoint of the name slm"
    assert problem.line is not None
    assert problem.line > 20


def test_two_documents_of_one_name_and_different_kinds_are_fine() -> None:
    assert parsed(AGENT.replace("handbook", "slm"), ENDPOINT, BASE.replace("handbook", "slm"))


def test_a_file_without_an_agent_is_refused() -> None:
    assert only(ENDPOINT).message == "holds no SupportAgent"
    assert only("").message == "holds no SupportAgent"
    assert only("# nothing\n").message == "holds no SupportAgent"


def test_objects_of_one_file_are_in_one_namespace() -> None:
    elsewhere = ENDPOINT.replace("{name: slm}", "{name: slm, namespace: b}")
    problem = only(AGENT, elsewhere, BASE)
    assert problem.message == "references stay in one namespace: this is b, SupportAgent/helpdesk is in none"


@pytest.mark.parametrize(
    ("old", "new", "path", "sentence", "suggestion"),
    [
        ("v1alpha1", "v1", "apiVersion", "must be the version of the contract", "supportplane.io/v1alpha1"),
        ("kind: SupportAgent", "kind: SupportAgnet", "kind", "must be a kind of the contract", "SupportAgent"),
        ("kind: SupportAgent", "kind: Deployment", "kind", "must be a kind of the contract", None),
        ("kind: SupportAgent", "kind: [SupportAgent]", "kind", "must be a kind of the contract", None),
        ("kind: SupportAgent\n", "", "kind", "is missing: it must be a kind of the contract", None),
        ("apiVersion", "apiversion", "apiVersion", "is missing: it must be the version of the contract", None),
    ],
)
def test_a_foreign_version_or_kind_is_refused_with_what_is_allowed(
    old: str, new: str, path: str, sentence: str, suggestion: str | None
) -> None:
    problem = only(AGENT.replace(old, new), ENDPOINT, BASE)
    assert (problem.path, problem.message, problem.suggestion) == (path, sentence, suggestion)
    assert problem.allowed


@pytest.mark.parametrize("text", ["just words\n", "- a\n- b\n", "42\n"])
def test_a_document_that_is_no_object_is_refused(text: str) -> None:
    assert only(text).message == "must be a mapping with apiVersion, kind, metadata and spec"


def test_every_mistake_of_a_file_is_reported_in_the_order_of_lines() -> None:
    agent = AGENT.replace("slm", "Slm").replace("spec:", "spec:\n  mode: off\n  colour: red")
    found = problems(agent, "kind: x\n", BASE)
    assert [problem.path for problem in found] == [
        "spec.mode",
        "spec.colour",
        "spec.template.model.modelRef.name",
        "apiVersion",
    ]
    assert [problem.line for problem in found] == sorted(problem.line or 0 for problem in found)


def test_a_value_that_could_not_be_read_is_not_complained_about_twice() -> None:
    assert only(AGENT.replace("spec:", "spec:\n  mode: no"), ENDPOINT, BASE).path == "spec.mode"


def test_a_mistake_in_one_document_does_not_make_its_name_dangle() -> None:
    assert only(AGENT, ENDPOINT.replace("{}", "{model: gpt}"), BASE).path == "spec.embedded.model"


def test_a_snake_case_name_is_not_a_field_of_the_file() -> None:
    found = problems(AGENT.replace("modelRef", "model_ref"), ENDPOINT, BASE)
    assert {(problem.path.rpartition(".")[2], problem.message) for problem in found} == {
        ("modelRef", "is required"),
        ("model_ref", "unknown field"),
    }


def test_an_object_exported_from_a_cluster_can_be_used_as_it_is() -> None:
    exported = AGENT.replace(
        "metadata: {name: helpdesk}",
        "metadata: {name: helpdesk, uid: 1b2c, resourceVersion: '5', generation: 2, creationTimestamp: '2026-01-01'}\n"
        "status: {observedGeneration: 2}",
    )
    assert parsed(exported, ENDPOINT, BASE).agent.name == "helpdesk"


def stored(document: str) -> dict[str, Any]:
    """As an API server returns it."""
    values: dict[str, Any] = YAML(typ="safe", pure=True).load(document)
    served = {"uid": "1b2c", "resourceVersion": "5", "generation": 2, "managedFields": [{"manager": "kubectl"}]}
    kept = {"finalizers": ["supportplane.io/cleanup"], "deletionTimestamp": "2026-11-21T10:00:00Z"}
    metadata = {**values["metadata"], "namespace": "acme", **served, **kept}
    return {**values, "metadata": metadata, "status": {"conditions": []}}


def test_an_object_is_read_as_the_api_server_returns_it() -> None:
    item = parse_object(stored(AGENT))
    assert (item.name, item.metadata.namespace) == ("helpdesk", "acme")
    assert isinstance(parse_object(stored(CLASS)), SupportAgentClass)


def test_what_is_wrong_with_a_stored_object_is_a_sentence_without_a_line() -> None:
    wrong = stored(AGENT)
    wrong["spec"]["template"]["handoff"] = {"confidenceBelow": 40}
    with pytest.raises(InvalidObject) as refusal:
        parse_object(wrong)
    assert str(refusal.value) == (
        "SupportAgent/helpdesk is not valid: spec.template.handoff: "
        "confidenceBelow needs LowConfidence among triggers, or it would never be looked at"
    )
    assert not refusal.value.is_of_another_version


def test_a_field_of_another_version_is_told_apart_from_a_mistake() -> None:
    newer = stored(AGENT)
    newer["spec"]["rollout"] = {"strategy": "Canary"}
    newer["spec"]["mode"] = "Shadow"
    with pytest.raises(InvalidObject) as refusal:
        parse_object(newer)
    assert refusal.value.is_of_another_version
    assert {problem.path for problem in refusal.value.problems} == {"spec.rollout", "spec.mode"}


@pytest.mark.parametrize("values", [{}, {"kind": "Pod"}, {"apiVersion": "supportplane.io/v1", "kind": "SupportAgent"}])
def test_an_object_of_another_kind_or_version_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidObject, match="apiVersion"):
        parse_object(values)


def test_an_agent_is_put_together_of_stored_objects() -> None:
    agent_file = agent_from_objects([stored(document) for document in (AGENT, ENDPOINT, BASE)])
    assert agent_file.model_endpoint.name == "slm"
    assert agent_file.knowledge_base("handbook").metadata.namespace == "acme"


def test_a_stored_object_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidAgentFile) as refusal:
        agent_from_objects([stored(AGENT), stored(BASE)])
    (problem,) = refusal.value.problems
    assert problem.line is None
    assert str(problem) == "spec.template.model.modelRef.name: the file has no ModelEndpoint slm"


def test_a_class_may_stand_in_a_file_and_is_in_no_namespace() -> None:
    here = AGENT.replace("{name: helpdesk}", "{name: helpdesk, namespace: acme}")
    endpoint, base = (text.replace("{name: ", "{namespace: acme, name: ") for text in (ENDPOINT, BASE))
    agent_file = parsed(CLASS, here, endpoint, base)
    assert [each.name for each in agent_file.classes] == ["standard"]
    assert only(CLASS, ENDPOINT).message == "holds no SupportAgent"


def test_a_source_of_a_cluster_has_no_place_on_a_laptop() -> None:
    agent_file = parsed(AGENT, ENDPOINT, BASE.replace("path: docs", "configMap: {name: docs}"))
    with pytest.raises(ValueError, match="source docs has no path"):
        agent_file.source_path(agent_file.knowledge_bases[0].spec.sources[0])


def test_a_list_with_one_wrong_entry_is_not_called_too_short() -> None:
    assert only(AGENT, ENDPOINT, BASE.replace("path: docs", "path: ''")).path == "spec.sources[0].path"


def test_the_refusal_reads_as_a_list_of_sentences_with_lines() -> None:
    with pytest.raises(InvalidAgentFile) as refusal:
        parsed(AGENT.replace("knowledge:", "knowldge:"), ENDPOINT, BASE)
    assert str(refusal.value) == (
        "/srv/agent.yaml is not a valid agent file:\n"
        "  line 7: spec.template.knowldge: unknown field; did you mean knowledge? "
        "(allowed: instructions, orchestrator, model, knowledge, handoff, memory, responseCache)"
    )


def test_a_file_is_read_and_its_sources_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(WHOLE)
    with pytest.raises(InvalidAgentFile) as refusal:
        load_agent_file(path)
    (problem,) = refusal.value.problems
    assert problem.message == f"there is no file or directory {tmp_path / 'docs'}"
    assert (problem.path, problem.line) == ("spec.sources[0].path", 21)
    assert load_agent_file(path, check_sources=False).agent.name == "helpdesk"
    (tmp_path / "docs").mkdir()
    assert load_agent_file(path).agent.name == "helpdesk"


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (AGENT.split("    knowledge:", maxsplit=1)[0] + "---\n" + ENDPOINT).encode())
    assert load_agent_file(path).agent.name == "helpdesk"


@pytest.mark.parametrize(
    ("content", "sentence", "line"),
    [
        (b"a: 1\nb: \xff\xfe\n", "is not UTF-8 text", 2),
        (b"a: '" + b"x" * MAX_BYTES + b"'\n", "is larger than 1024 KiB", None),
        (b"# " + "ä".encode() * MAX_BYTES, "is larger than 1024 KiB", None),
    ],
)
def test_a_file_that_cannot_be_text_is_refused(tmp_path: Path, content: bytes, sentence: str, line: int | None) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidAgentFile) as refusal:
        load_agent_file(path)
    (problem,) = refusal.value.problems
    assert sentence in problem.message
    assert problem.line == line


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidAgentFile, match="cannot be read: No such file"):
        load_agent_file(tmp_path / "agent.yaml")
    with pytest.raises(InvalidAgentFile, match="cannot be read: Is a directory"):
        load_agent_file(tmp_path)


def test_a_source_path_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    path = tmp_path / "agent.yaml"
    for unfit in ("x" * 300, "circle/docs"):
        path.write_text(WHOLE.replace("path: docs", f"path: {unfit}"))
        with pytest.raises(InvalidAgentFile, match="there is no file or directory"):
            load_agent_file(path)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_text_at_all_ends_in_another_error(text: str) -> None:
    with pytest.raises(InvalidAgentFile) as refusal:
        parse_agent_file(text, Path("agent.yaml"))
    assert refusal.value.problems


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_valid_or_refused_and_nothing_else(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(WHOLE)))
    end = data.draw(st.integers(start, min(len(WHOLE), start + 20)))
    damaged = WHOLE[:start] + data.draw(st.text("-:[]{}&*!|>'\"%#\n\t ab01", max_size=6)) + WHOLE[end:]
    with suppress(InvalidAgentFile):
        assert parse_agent_file(damaged, Path("agent.yaml")).model_endpoint.name
