import orjson
import pytest

from supportplane_crds import names
from supportplane_crds.reasons import ConditionType
from supportplane_crds.runtime_status import (
    CONDITIONS,
    KnowledgeCount,
    OrchestratorStatus,
    Part,
    RuntimeStatus,
    orchestrator_status,
    parse_runtime_status,
)

MODEL = Part("model", ok=None, required=False, detail="Not known: no orchestrator answers")
COUNT = KnowledgeCount(
    "handbook", 12, 340, skipped=1, failed=True, embedding="MiniLM-L6-v2", next_embedding="E5", embedded=7
)
WHOLE = RuntimeStatus(version="0.1.0", revision="r", mode="Auto", components=(MODEL,), knowledge=(COUNT,))
WRITTEN = (
    b'{"version":"0.1.0","revision":"r","mode":"Auto",'
    b'"components":[{"name":"model","ok":null,"required":false,"detail":"Not known: no orchestrator answers"}],'
    b'"knowledge":[{"name":"handbook","documents":12,"chunks":340,"skipped":1,"failed":true,'
    b'"embedding":"MiniLM-L6-v2","next_embedding":"E5","embedded":7}]}'
)


def test_a_status_is_read_as_it_was_written() -> None:
    assert orjson.dumps(WHOLE) == WRITTEN
    assert parse_runtime_status(WRITTEN) == WHOLE


def test_an_orchestrators_status_is_read_as_it_was_written() -> None:
    told = OrchestratorStatus((MODEL,), (COUNT,), "Nothing was read yet.")
    written = orjson.dumps(told)
    assert list(orjson.loads(written)) == ["components", "knowledge", "unread"]
    assert orchestrator_status(orjson.loads(written)) == told


def test_an_older_release_that_leaves_fields_out_is_understood() -> None:
    old = b'{"version":"0.0.9","mode":"Auto","components":[{"name":"cache","ok":true}],"knowledge":[{"name":"handbook",'
    old += b'"documents":1,"chunks":2}]}'
    expected = RuntimeStatus(
        version="0.0.9",
        mode="Auto",
        components=(Part("cache", ok=True, required=True, detail=""),),
        knowledge=(KnowledgeCount("handbook", 1, 2, skipped=0, failed=False),),
    )
    assert parse_runtime_status(old) == expected
    assert orchestrator_status({"components": [], "knowledge": []}) == OrchestratorStatus()


def test_fields_of_a_newer_release_are_passed_over() -> None:
    new = orjson.loads(WRITTEN) | {"region": "eu"}
    new["components"][0]["since"] = "2027-01-01"
    new["knowledge"][0]["pages"] = 7
    assert parse_runtime_status(orjson.dumps(new)) == WHOLE
    assert orchestrator_status({"unread": "", "tools": [], "components": new["components"]}).components == (MODEL,)


@pytest.mark.parametrize("values", [None, [], {"components": [1]}, {"knowledge": [{"name": "a"}]}])
def test_what_is_no_status_is_refused(values: object) -> None:
    with pytest.raises(ValueError, match="OrchestratorStatus"):
        orchestrator_status(values)


OBJECTS = {
    names.gateway("helpdesk"): ConditionType.AVAILABLE,
    names.orchestrator("helpdesk", "0123456789"): ConditionType.AVAILABLE,
    names.migrate_job("helpdesk", "0123456789"): ConditionType.PERSISTENCE_READY,
    names.database("helpdesk"): ConditionType.PERSISTENCE_READY,
    names.cache("helpdesk"): ConditionType.PERSISTENCE_READY,
    names.weaviate("helpdesk"): ConditionType.PERSISTENCE_READY,
    names.knowledge_job("helpdesk", "0123456789"): ConditionType.KNOWLEDGE_READY,
}


@pytest.mark.parametrize(("name", "condition"), OBJECTS.items(), ids=list(OBJECTS))
def test_every_object_that_does_work_is_about_a_condition(name: str, condition: ConditionType) -> None:
    component = names.component_of("helpdesk", name)
    assert component is not None
    assert CONDITIONS[component] is condition


@pytest.mark.parametrize("name", ["helpdesk", "helpdesk-eu-gateway", "my-helpdesk-gateway", "other-gateway", ""])
def test_an_object_of_another_agent_is_part_of_nothing(name: str) -> None:
    assert names.component_of("helpdesk", name) is None


def test_a_change_of_the_embedding_model_is_told_with_how_far_it_is() -> None:
    assert COUNT.change == (
        "7 of about 340 passages of handbook are embedded with E5, those of MiniLM-L6-v2 answer until all are"
    )
    assert KnowledgeCount("handbook", 12, 340, embedding="E5").change == ""
