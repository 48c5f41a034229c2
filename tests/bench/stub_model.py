"""A model server without a model: the OpenAI chat shape, nine tokens, no delay. ``python stub_model.py PORT``.

The turn's own cost is what is measured, so the model must cost next to nothing and answer always.
"""

import sys

import orjson
from aiohttp import web

# In the form the agent asks for. No passage proves it, so it is read, checked and replaced by what the passages say.
WORDS = [
    '{"sentences": [{"text": "Use ',
    "the ",
    "key ",
    "commands ",
    "of ",
    "the ",
    "command ",
    "line.",
    '", "passage": 1}]}',
]


def _chunk(delta: dict[str, str], finish: str | None) -> bytes:
    body = {
        "id": "stub",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "stub",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + orjson.dumps(body) + b"\n\n"


async def chat(request: web.Request) -> web.StreamResponse:
    await request.read()
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    frames = [_chunk({"role": "assistant", "content": word}, None) for word in WORDS]
    await response.write(b"".join([*frames, _chunk({}, "stop"), b"data: [DONE]\n\n"]))
    await response.write_eof()
    return response


async def models(_: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model"}]})


if __name__ == "__main__":
    application = web.Application()
    application.add_routes([web.post("/v1/chat/completions", chat), web.get("/v1/models", models)])
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
