"""HEAD as RFC 9110 (9.3.2) has it: what GET answers, without the body. The innermost layer, so every route has it.

Uptime monitors and load balancers ask so. The request is handled and its caller checked as a GET. The response ends as
soon as its head is known, so a stream is not kept open for a client that will not read it. Installed by application.py.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        as_get = dict(scope, method="GET")  # a copy: the server looks into its own when it frames the response

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        try:
            await self._app(as_get, receive, send_head)
        finally:
            if "route" in as_get:  # what the request is counted and audited by
                scope["route"] = as_get["route"]


def with_head(allowed: str) -> str:
    """The value of an Allow header, completed: Starlette's routes know of GET only."""
    methods = [method for method in allowed.split(", ") if method]
    if "GET" in methods and "HEAD" not in methods:
        methods.append("HEAD")
    return ", ".join(sorted(methods))
