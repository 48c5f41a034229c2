"""JSON responses, written by orjson and not validated again: what goes out was built by typed code."""

from typing import Any

import orjson
from fastapi import Response


def json_reply(data: Any, *, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status_code=status, media_type="application/json")
