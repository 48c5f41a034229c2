"""Every error leaves the gateway through this module, as RFC 9457 ``application/problem+json`` with a stable code.

Faults of both trees (errors.py here and above) become a response by ``problem_response``; FastAPI's own errors are
turned into faults first. Nothing of the request's content is echoed. Called by application.py (handlers), by the
middlewares in security.py and, for events inside a stream, by api/query/events.py.
"""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
import structlog
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.requests import HTTPConnection
from fastapi.responses import Response
from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from supportplane_runtime.errors import NotFound, RateLimited, RuntimeFault, Unauthenticated
from supportplane_runtime.gateway.errors import FieldError, InvalidFields, MethodNotAllowed
from supportplane_runtime.gateway.http.heads import with_head

log = structlog.get_logger(__name__)

TYPE_PREFIX = "https://supportplane.io/problems/"
MEDIA_TYPE = "application/problem+json"
MAX_FIELD_ERRORS = 20  # a 64 KiB body of unknown keys would otherwise be answered with half a megabyte
MAX_FIELD_LENGTH = 100


class FieldProblem(BaseModel):
    field: str = Field(description="dotted path into the body, or the parameter's name", examples=["query"])
    message: str = Field(examples=["String should have at least 1 character"])


class Problem(BaseModel):
    """RFC 9457. ``code`` is stable and safe to branch on; ``detail`` is for people and may change."""

    type: str = Field(examples=[TYPE_PREFIX + "invalid-request"])
    title: str = Field(examples=["The request is not valid"])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["query: String should have at least 1 character"])
    code: str = Field(examples=["invalid-request"])
    errors: list[FieldProblem] = Field(default=[], description="present when single fields are wrong")
    scope: str | None = Field(
        default=None, description="present when a limit was exceeded: which one", examples=["User"]
    )
    turn_id: UUID | None = Field(
        default=None, description="present when a turn was accepted and can be asked for again"
    )
    conversation_id: UUID | None = Field(default=None, description="of that turn")


def problem(fault: RuntimeFault, **more: UUID | None) -> dict[str, Any]:
    """Of ``Problem`` the fields that the fault has. more: fields that only the caller knows."""
    told: dict[str, Any] = dict(more)
    if isinstance(fault, RateLimited) and fault.scope is not None:
        told["scope"] = fault.scope
    if isinstance(fault, InvalidFields):
        told["errors"] = [FieldProblem(field=error.field, message=error.message) for error in fault.errors]
    made = Problem(
        type=TYPE_PREFIX + fault.code,
        title=fault.title,
        status=fault.status_code,
        detail=fault.detail,
        code=fault.code,
        **told,
    )
    return made.model_dump(exclude_unset=True)


def problem_headers(fault: RuntimeFault) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if fault.retry_after_s is not None:
        headers["retry-after"] = str(fault.retry_after_s)
    if isinstance(fault, Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="supportplane"'
    return headers


def problem_response(fault: RuntimeFault, **more: UUID | None) -> Response:
    return Response(
        orjson.dumps(problem(fault, **more)),
        status_code=fault.status_code,
        media_type=MEDIA_TYPE,
        headers=problem_headers(fault),
    )


def _field(location: tuple[int | str, ...]) -> str:
    path = location[1:] if location and location[0] in {"body", "query", "path", "header", "cookie"} else location
    return ".".join(str(part) for part in path)[:MAX_FIELD_LENGTH]


def invalid_fields(errors: list[ErrorDetails]) -> InvalidFields:
    """What pydantic found, without the input it found it in."""
    return InvalidFields(
        tuple(FieldError(_field(error["loc"]), error["msg"]) for error in errors[:MAX_FIELD_ERRORS])
        or (FieldError("", "The request is not valid"),)
    )


async def render_fault(request: HTTPConnection, exc: Exception) -> Response:
    assert isinstance(exc, RuntimeFault)  # noqa: S101 - registered for RuntimeFault only; the signature is Starlette's
    if exc.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_failed", code=exc.code, path=request.scope.get("path"), detail=exc.detail)
    return problem_response(exc)


async def render_validation(_request: HTTPConnection, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError | WebSocketRequestValidationError)  # noqa: S101 - as above
    return problem_response(invalid_fields(list(exc.errors())))


async def render_http_exception(request: HTTPConnection, exc: Exception) -> Response:
    """Starlette's own: unknown path, wrong method, static files."""
    assert isinstance(exc, HTTPException)  # noqa: S101 - as above
    if exc.status_code == HTTPStatus.NOT_FOUND:
        return problem_response(NotFound("There is nothing at this path. The paths are listed in /openapi.json."))
    if exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = with_head(_methods(request, told=(exc.headers or {}).get("Allow", "")))
        response = problem_response(MethodNotAllowed(f"This path answers {allowed or 'another method'}."))
        response.headers["allow"] = allowed
        return response
    fault = RuntimeFault("The server could not handle this request.")
    fault.status_code, fault.code, fault.title = exc.status_code, "http-error", HTTPStatus(exc.status_code).phrase
    return problem_response(fault)


def _methods(request: HTTPConnection, *, told: str) -> str:
    """All methods of the path, as in the API's document: Starlette tells those of the first of its routes only."""
    path = getattr(request.scope.get("route"), "path", "")
    operations = request.app.openapi()["paths"].get(path, {})
    return ", ".join(sorted(operation.upper() for operation in operations)) or told


def unexpected_problem() -> Response:
    """For a bug. The sentence says nothing about it; observation.py logs it."""
    return problem_response(RuntimeFault("Something went wrong here. It has been logged; try again."))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's ``responses`` for these problem statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}
