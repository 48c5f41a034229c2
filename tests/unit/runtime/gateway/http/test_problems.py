from uuid import uuid4

import orjson
import pytest

from supportplane_runtime import errors
from supportplane_runtime.gateway import errors as gateway_errors
from supportplane_runtime.gateway.errors import FieldError, InvalidFields
from supportplane_runtime.gateway.http.problems import MAX_FIELD_ERRORS, Problem, invalid_fields, problem
from supportplane_runtime.gateway.http.problems import problem_response as response

FAULTS = [
    kind
    for module in (errors, gateway_errors)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, errors.RuntimeFault) and kind is not InvalidFields
]


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
def test_every_fault_becomes_a_problem_of_its_code_and_is_found_by_it(kind: type[errors.RuntimeFault]) -> None:
    sent = response(kind("What to do."))
    assert sent.status_code == kind.status_code
    assert sent.media_type == "application/problem+json"
    body = problem(kind("What to do."))
    assert body["type"] == f"https://supportplane.io/problems/{kind.code}"
    assert body["detail"] == "What to do."
    assert body["status"] == kind.status_code
    assert errors.fault_of(kind.code, "Why.").status_code == kind.status_code


def test_codes_mean_one_status_each() -> None:
    statuses: dict[str, set[int]] = {}
    for kind in FAULTS:
        statuses.setdefault(kind.code, set()).add(kind.status_code)
    assert all(len(found) == 1 for found in statuses.values()), statuses


def test_a_refusal_that_may_be_repeated_says_when() -> None:
    assert response(errors.RateLimited("Slowly.", retry_after_s=7)).headers["retry-after"] == "7"
    assert response(errors.StoreUnavailable("Away.")).headers["retry-after"] == "2"
    assert "retry-after" not in response(errors.NotFound("Nothing.")).headers


def test_fields_are_named_from_inside_the_body_and_bounded() -> None:
    fault = InvalidFields((FieldError("a.0.b", "Wrong"),))
    assert problem(fault)["errors"] == [{"field": "a.0.b", "message": "Wrong"}]
    assert fault.detail == "a.0.b: Wrong"
    many = invalid_fields([{"type": "x", "loc": ("body", "k" * 1000), "msg": "No", "input": 1}] * 1000)
    assert len(many.errors) == MAX_FIELD_ERRORS
    assert max(len(error.field) for error in many.errors) == 100


def test_a_problem_has_the_fields_that_the_document_of_the_api_names_and_of_these_only_what_it_knows() -> None:
    limited = errors.RateLimited("Slowly.", scope="User")
    turn, conversation = uuid4(), uuid4()
    body = orjson.loads(response(limited, turn_id=turn, conversation_id=conversation).body)
    assert list(body) == ["type", "title", "status", "detail", "code", "scope", "turn_id", "conversation_id"]
    assert (body["turn_id"], body["conversation_id"]) == (str(turn), str(conversation))
    assert body.keys() <= Problem.model_json_schema()["properties"].keys()
    assert list(problem(errors.NotFound("Nothing."))) == ["type", "title", "status", "detail", "code"]
