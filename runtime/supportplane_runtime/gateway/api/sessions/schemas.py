"""The body that redeems a one-time link, and the replies, each declared once for its JSON and its documentation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from supportplane_runtime.gateway.http.schemas import Body


class RedeemRequest(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "Jx3V0cVqk0-what-follows-token-in-the-link"}]})

    token: Annotated[str, Field(min_length=8, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]


@dataclass(slots=True)
class SessionReply:
    user_id: str


@dataclass(slots=True)
class VisitorReply:
    visitor_token: Annotated[str, Field(description="keep it in the visitor's browser; send it as X-Visitor-Token")]
    user_id: str
    expires_at: datetime
