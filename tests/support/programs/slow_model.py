"""A model server that takes its time: ``python slow_model.py PORT SECONDS`` waits before each answer's first token.

Keeps a turn under way long enough to kill something meanwhile. What it then says is nothing the passages hold, so the
answer that comes out is quoted from them.
"""

import asyncio
import sys

import orjson
from aiohttp import web


async def chat(request: web.Request) -> web.StreamResponse:
    await request.read()
    await asyncio.sleep(request.app["seconds"])
    delta = {"choices": [{"index": 0, "delta": {"content": "Bananas are yellow."}, "finish_reason": "stop"}]}
    return web.Response(
        body=b"data: " + orjson.dumps(delta) + b"\n\ndata: [DONE]\n\n", content_type="text/event-stream"
    )


if __name__ == "__main__":
    application = web.Application()
    application["seconds"] = float(sys.argv[2])
    application.add_routes([web.post("/v1/chat/completions", chat)])
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
