"""The route class of every API route: caller first, then the body, then FastAPI.

A stranger's body is never read; a known caller's is parsed strictly (json.py). FastAPI would read and parse the
body before any dependency runs, and swallow the reason of a parse error.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from supportplane_runtime.gateway.http.callers import CALLER_DEPENDENCIES, admit_caller
from supportplane_runtime.gateway.http.json import parse_json, require_json

# Stands for every way to identify a caller, until openapi.py puts the ways of the gateway into the OpenAPI document.
ANY_WAY: list[dict[str, list[str]]] = [{"any way": []}]


class _ParsedRequest(Request):
    """FastAPI asks the request for its JSON; this one was parsed before."""

    _json: Any

    async def json(self) -> Any:
        return self._json


class GatewayRoute(APIRoute):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._needs_caller():
            self.openapi_extra = {"security": ANY_WAY, **(self.openapi_extra or {})}

    def _needs_caller(self) -> bool:
        return any(dependency.call in CALLER_DEPENDENCIES for dependency in self.dependant.dependencies)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        needs_caller, has_body = self._needs_caller(), self.body_field is not None

        async def guarded(request: Request) -> Response:
            if needs_caller:
                await admit_caller(request)
            return await handler(await _read(request) if has_body else request)

        return guarded


async def _read(request: Request) -> Request:
    require_json(request.headers)
    parsed = _ParsedRequest(request.scope, request.receive)
    body = await parsed.body()
    parsed._json = parse_json(body) if body else None  # noqa: SLF001 - Starlette's own cache of the parsed body
    return parsed
