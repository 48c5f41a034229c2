"""The replies about health, each declared once for its JSON and its documentation."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from supportplane_crds.runtime_status import Part
from supportplane_runtime.health import Health, HealthStatus


@dataclass(slots=True)
class PartReply:
    name: str
    status: Literal["ok", "failed"]
    required: Annotated[bool, Field(description="without it no question can be answered")]
    detail: Annotated[str, Field(examples=["12 documents, 148 passages."])]

    @classmethod
    def of(cls, part: Part) -> Self:
        return cls(part.name, "ok" if part.ok else "failed", part.required, part.detail)


@dataclass(slots=True)
class HealthReply:
    status: Annotated[HealthStatus, Field(description="starting: the first index or the first key is not there yet")]
    version: str
    parts: list[PartReply]

    @classmethod
    def of(cls, health: Health, *, version: str) -> Self:
        return cls(health.status, version, [PartReply.of(part) for part in health.parts])


@dataclass(slots=True)
class LiveReply:
    status: Literal["alive"]


@dataclass(slots=True)
class ReadyReply:
    ready: bool
    reasons: Annotated[list[str], Field(description="why not, in sentences")]
