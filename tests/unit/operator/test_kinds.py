from typing import Any

import pytest

from supportplane_operator.cache import Cache, Key
from supportplane_operator.kinds import OwnKinds
from supportplane_operator.references import References

AGENT = Key("SupportAgent", "acme", "helpdesk")
ENDPOINT = Key("ModelEndpoint", "acme", "slm")
BASE = Key("KnowledgeBase", "acme", "handbook")
CLASS = Key("SupportAgentClass", "", "standard")


def agent(
    version: int = 1, *, model: str = "slm", bases: tuple[str, ...] = ("handbook",), **status: Any
) -> dict[str, Any]:
    template = {"model": {"modelRef": {"name": model}}, "knowledge": [{"name": each} for each in bases]}
    metadata = {"name": "helpdesk", "namespace": "acme", "resourceVersion": str(version), "generation": 1}
    spec = {"template": template, "classRef": {"name": "standard"}}
    return {"kind": "SupportAgent", "metadata": metadata, "spec": spec, "status": status}


def endpoint(version: int, generation: int = 1) -> dict[str, Any]:
    metadata = {"name": "slm", "namespace": "acme", "resourceVersion": str(version), "generation": generation}
    return {"kind": "ModelEndpoint", "metadata": metadata, "spec": {}}


class Told:
    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.own = OwnKinds(Cache(), References(), self.keys.append)

    def take(self) -> set[Key]:
        found = set(self.keys)
        self.keys.clear()
        return found


def test_a_new_agent_concerns_what_it_names() -> None:
    told = Told()
    told.own.seen(agent())
    assert told.take() == {AGENT, ENDPOINT, BASE, CLASS}


def test_the_same_version_again_concerns_nobody() -> None:
    told = Told()
    told.own.seen(agent())
    told.take()
    told.own.seen(agent())
    assert told.take() == set()


def test_a_status_that_says_nothing_of_companions_stays_with_the_agent() -> None:
    told = Told()
    told.own.seen(agent())
    told.take()
    told.own.seen(agent(2, readyReplicas=2))
    assert told.take() == {AGENT}


def test_word_of_the_knowledge_reaches_the_knowledge_base() -> None:
    told = Told()
    told.own.seen(agent())
    told.take()
    told.own.seen(agent(2, conditions=[{"type": "KnowledgeReady", "status": "True", "reason": "Indexed"}]))
    assert told.take() == {AGENT, ENDPOINT, BASE, CLASS}


def test_a_reference_that_changes_concerns_the_old_and_the_new() -> None:
    told = Told()
    told.own.seen(agent())
    told.take()
    told.own.seen(agent(2, model="other", bases=()))
    assert told.take() == {AGENT, ENDPOINT, Key("ModelEndpoint", "acme", "other"), BASE}


def test_a_specification_of_a_companion_concerns_its_users_and_its_status_does_not() -> None:
    told = Told()
    told.own.seen(agent())
    told.own.seen(endpoint(2))
    told.take()
    told.own.seen(endpoint(3))
    assert told.take() == {ENDPOINT}
    told.own.seen(endpoint(4, generation=2))
    assert told.take() == {ENDPOINT, AGENT}


def test_what_is_gone_concerns_who_used_it_and_what_it_used() -> None:
    told = Told()
    told.own.seen(agent())
    told.own.seen(endpoint(2))
    told.take()
    told.own.gone(ENDPOINT)
    assert told.take() == {ENDPOINT, AGENT}
    told.own.gone(AGENT)
    assert told.take() == {AGENT, ENDPOINT, BASE, CLASS}


def base(version: int, **annotations: str) -> dict[str, Any]:
    metadata = {"name": "handbook", "namespace": "acme", "resourceVersion": str(version), "generation": 1}
    return {"kind": "KnowledgeBase", "metadata": {**metadata, "annotations": annotations}, "spec": {}}


def test_who_asks_for_documents_to_be_read_again_concerns_the_agents_that_answer_from_them() -> None:
    told = Told()
    told.own.seen(agent())
    told.own.seen(base(2))
    told.take()
    told.own.seen(base(3, note="nothing"))
    assert told.take() == {BASE}
    told.own.seen(base(4, **{"supportplane.io/read-again": "today"}))
    assert told.take() == {BASE, AGENT}


SHAPES: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "a template of text": {"template": "x"},
    "a model of text": {"template": {"model": "x", "knowledge": {"name": "a"}}},
    "knowledge without names": {"template": {"knowledge": [{"ref": "a"}, "b", None, {"name": 7}]}},
    "a class of text": {"classRef": "standard"},
}


@pytest.mark.parametrize("spec", SHAPES.values(), ids=SHAPES)
def test_an_object_of_any_shape_is_learned(spec: Any) -> None:
    references = References()
    assert references.learn({"metadata": {"name": "x"}, "spec": spec, "kind": "SupportAgent"}) == frozenset()


def test_what_can_be_found_in_a_newer_object_is_still_known_to_be_used() -> None:
    spec = {"template": {"model": {"modelRef": {"name": "slm"}}, "knowledge": [{"ref": "a"}, {"name": "b"}]}}
    found = References().learn({"metadata": {"name": "x", "namespace": "n"}, "spec": spec, "kind": "SupportAgent"})
    assert found == {Key("ModelEndpoint", "n", "slm"), Key("KnowledgeBase", "n", "b")}
