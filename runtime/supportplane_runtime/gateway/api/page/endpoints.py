"""The chat page, the widget script, their files, and the API reference. Public: what they show comes from the API."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import HTMLResponse

from supportplane_runtime.errors import NotFound
from supportplane_runtime.gateway.api.page.files import read_static_files
from supportplane_runtime.gateway.api.page.reference import STYLE_SOURCE, reference_page

router = APIRouter(include_in_schema=False)

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
REFERENCE_POLICY = f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; frame-ancestors 'none'"
_FILES = read_static_files()


def file_response(name: str, known_etag: str | None, *, policy: str | None = None) -> Response:
    """no-cache: a browser may keep the file and must ask whether it changed (one 304)."""
    file = _FILES.get(name)
    if file is None:
        raise NotFound("There is no such file.")
    headers = {"etag": file.etag, "cache-control": "no-cache"}
    if policy is not None:
        headers["content-security-policy"] = policy
    else:  # widgets load these from their own sites, as modules, which browsers fetch with CORS
        headers["cross-origin-resource-policy"] = "cross-origin"
        headers["access-control-allow-origin"] = "*"
    if known_etag is not None and file.etag in known_etag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


IfNoneMatch = Annotated[str | None, Header()]


@router.get("/")
async def page(if_none_match: IfNoneMatch = None) -> Response:
    return file_response("index.html", if_none_match, policy=PAGE_POLICY)


@router.get("/widget.js")
async def widget(if_none_match: IfNoneMatch = None) -> Response:
    return file_response("widget.js", if_none_match)


@router.get("/static/{name:path}")
async def static_file(name: str, if_none_match: IfNoneMatch = None) -> Response:
    return file_response(name, if_none_match)


@router.get("/docs")
async def reference(request: Request) -> Response:
    """Rendered here from the OpenAPI document, without a script: the usual viewers come from a CDN."""
    return HTMLResponse(reference_page(request.app.openapi()), headers={"content-security-policy": REFERENCE_POLICY})
