"""What is documented of health."""

from typing import Literal

from pydantic import BaseModel, Field


class PartReply(BaseModel):
    name: str
    status: Literal["ok", "failed"]
    required: bool = Field(description="without it no question can be answered")
    detail: str = Field(examples=["12 documents, 148 passages."])


class HealthReply(BaseModel):
    status: Literal["ok", "degraded", "starting", "down", "draining"] = Field(
        description="starting: the first index or the first key is not there yet"
    )
    version: str
    parts: list[PartReply]


class LiveReply(BaseModel):
    status: Literal["alive"]


class ReadyReply(BaseModel):
    ready: bool
    reasons: list[str] = Field(description="why not, in sentences")
