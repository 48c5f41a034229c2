from typing import Any

import httpx2
import pytest
from huggingface_hub.errors import GenerationError, HfHubHTTPError, InferenceTimeoutError

from supportplane_runtime.model.chat import Dialect, Endpoint, misbehaviour, parameters
from supportplane_runtime.model.interfaces import Generation

SCHEMA = {"type": "object"}


@pytest.mark.parametrize(
    ("generation", "dialect", "expected"),
    [
        (Generation(9), Dialect.OPENAI, {"max_tokens": 9, "seed": None, "temperature": 0.2}),
        (Generation(9, temperature=0.0), Dialect.OPENAI, {"max_tokens": 9, "seed": None, "temperature": 0.0}),
        (Generation(9, temperature=0.0, seed=1), Dialect.TGI, {"max_tokens": 9, "seed": 1}),
        (
            Generation(9, schema=SCHEMA),
            Dialect.TGI,
            {"max_tokens": 9, "seed": None, "temperature": 0.2, "response_format": {"type": "json", "value": SCHEMA}},
        ),
        (
            Generation(9, schema=SCHEMA),
            Dialect.OPENAI,
            {
                "max_tokens": 9,
                "seed": None,
                "temperature": 0.2,
                "response_format": {"type": "json_object", "schema": SCHEMA},
            },
        ),
    ],
)
def test_parameters_are_in_the_servers_dialect(
    generation: Generation, dialect: Dialect, expected: dict[str, Any]
) -> None:
    assert parameters(generation, dialect) == expected


def refused(status: int, **headers: str) -> HfHubHTTPError:
    request = httpx2.Request("POST", "http://model/v1/chat/completions")
    return HfHubHTTPError("no", response=httpx2.Response(status, headers=headers, request=request))


FAULTS: list[tuple[Exception, str, bool]] = [
    (refused(401), "refused", False),
    (refused(404), "refused", False),
    (refused(422), "refused", False),
    (refused(424), "refused", True),
    (refused(429), "overloaded", True),
    (refused(500), "server-error", True),
    (refused(501), "server-error", False),
    (refused(503), "server-error", True),
    (InferenceTimeoutError("slow"), "connect", True),
    (httpx2.ConnectError("no"), "connect", True),
    (httpx2.ReadError("broke"), "cut", True),
    (GenerationError("oom"), "server-error", True),
    (ValueError("no JSON"), "malformed", True),
    (AttributeError("'int' object has no attribute 'get'"), "malformed", True),
]


@pytest.mark.parametrize(("exc", "reason", "again"), FAULTS, ids=[f"{row[0]!r:.40}" for row in FAULTS])
def test_every_fault_says_what_it_was_and_whether_to_try_again(exc: Exception, reason: str, again: bool) -> None:
    fault = misbehaviour(exc)
    assert (fault.reason, fault.again, fault.retryable) == (reason, again, True)


@pytest.mark.parametrize(
    ("value", "wait_s"), [("7", 7), ("3600", 30), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
)
def test_retry_after_is_honoured_within_reason(value: str, wait_s: int | None) -> None:
    assert misbehaviour(refused(429, **{"retry-after": value})).retry_after_s == wait_s


def test_a_bug_of_ours_is_not_taken_for_a_fault_of_the_server() -> None:
    with pytest.raises(ZeroDivisionError):
        misbehaviour(ZeroDivisionError())


def test_the_key_of_an_endpoint_is_not_shown() -> None:
    assert "s3cret" not in repr(Endpoint("http://model", "m", "s3cret"))
