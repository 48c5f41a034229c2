import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from supportplane_runtime.errors import RuntimeFault, Unavailable
from supportplane_runtime.serving.probes import probe_routes


async def fine() -> None:
    return


async def stopping() -> None:
    raise Unavailable("The process is about to stop.")


async def render(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, RuntimeFault)
    return PlainTextResponse(fault.detail, fault.status_code)


def client(ready: object = fine) -> httpx2.AsyncClient:
    app = Starlette(routes=probe_routes(ready), exception_handlers={RuntimeFault: render})  # type: ignore[arg-type]
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://role")


async def test_a_role_says_that_it_is_alive_and_ready() -> None:
    async with client() as role:
        assert (await role.get("/livez")).content == b'{"status":"alive"}'
        assert (await role.get("/readyz")).content == b'{"ready":true}'


async def test_a_role_that_cannot_do_its_work_is_alive_and_not_ready() -> None:
    async with client(stopping) as role:
        reply = await role.get("/readyz")
        assert (reply.status_code, reply.text) == (503, "The process is about to stop.")
        assert (await role.get("/livez")).status_code == 200


async def test_the_metrics_of_a_role_are_in_the_text_format_of_prometheus() -> None:
    async with client() as role:
        reply = await role.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    assert "# HELP" in reply.text
