"""Bodies of one-time links and visitors."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from supportplane_runtime.gateway.http.schemas import Body


class RedeemRequest(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "Jx3V0cVqk0-what-follows-token-in-the-link"}]})

    token: Annotated[str, Field(min_length=8, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]


class SessionReply(BaseModel):
    user_id: str


class VisitorReply(BaseModel):
    visitor_token: str = Field(description="keep it in the visitor's browser; send it as X-Visitor-Token")
    user_id: str
    expires_at: datetime
