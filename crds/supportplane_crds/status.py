"""What the operator reports in ``status``: conditions, pods, revisions, documents, parts.

These are schemas for the CRDs and types for the operator, which alone writes them. Nobody sets a status in a file.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from supportplane_crds.lists import MapBy
from supportplane_crds.objects import ContractModel
from supportplane_crds.reasons import ConditionType

MAX_COUNT = 2**31 - 1
DEPENDENCY: Final = "Dependency"
"""The kind of a component that the runtime depends on. Every other kind is of an object on the cluster."""


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ContractModel):
    """One aspect of the object, with a reason for programs and a message for people."""

    type: str = Field(
        max_length=316,
        description=f"What the condition is about, such as {ConditionType.READY} or {ConditionType.MODEL_READY}.",
    )
    status: ConditionStatus = Field(description="Whether it holds.")
    reason: str = Field(max_length=1024, description="Why, as one word for programs.")
    message: str = Field(default="", max_length=32768, description="Why, as a sentence for people.")
    observed_generation: int | None = Field(
        default=None, ge=0, le=MAX_COUNT, description="The metadata.generation that the condition was found at."
    )
    last_transition_time: str = Field(
        max_length=64, description="When status changed last.", json_schema_extra={"format": "date-time"}
    )


Conditions = Annotated[tuple[Condition, ...], MapBy("type")]


class CompanionStatus(ContractModel):
    """What is known of a companion object."""

    observed_generation: int | None = Field(
        default=None, ge=0, le=MAX_COUNT, description="The metadata.generation that was worked on last."
    )
    conditions: Conditions = Field(default=(), max_length=32, description="Whether it is usable, and why not.")


class KnowledgeStatus(ContractModel):
    """What is indexed of a knowledge base."""

    name: str = Field(max_length=63, description="Name of the KnowledgeBase.")
    documents: int = Field(ge=0, le=MAX_COUNT, description="Documents that are indexed.")
    chunks: int = Field(ge=0, le=MAX_COUNT, description="Passages that they were cut into.")
    skipped: int = Field(
        default=0,
        ge=0,
        le=MAX_COUNT,
        description="Files that the last reading left out, each named in the log of the Job.",
    )


class ComponentStatus(ContractModel):
    """A part of the agent."""

    kind: str = Field(max_length=63, description="Kind of the object, or of what it depends on.")
    name: str = Field(max_length=253, description="Name of the object.")
    ready: bool = Field(description="Whether it works.")
    message: str | None = Field(default=None, max_length=1024, description="What is wrong with it.")


class SupportAgentStatus(ContractModel):
    """What is known of the agent."""

    observed_generation: int | None = Field(
        default=None, ge=0, le=MAX_COUNT, description="The metadata.generation that was worked on last."
    )
    conditions: Conditions = Field(default=(), max_length=32, description="What holds of the agent, and why.")
    replicas: int | None = Field(default=None, ge=0, le=MAX_COUNT, description="Pods of the gateway.")
    ready_replicas: int | None = Field(
        default=None, ge=0, le=MAX_COUNT, description="Pods of the gateway that take requests."
    )
    selector: str | None = Field(
        default=None, max_length=1024, description="Labels of the gateway's pods, for autoscalers."
    )
    revision: str | None = Field(default=None, max_length=63, description="Revision that answers now.")
    update_revision: str | None = Field(
        default=None, max_length=63, description="Revision that is wanted; the same when nothing is rolling out."
    )
    url: str | None = Field(default=None, max_length=2048, description="Where the agent is reached.")
    knowledge: Annotated[tuple[KnowledgeStatus, ...], MapBy("name")] = Field(
        default=(), max_length=16, description="What is indexed of each knowledge base."
    )
    components: Annotated[tuple[ComponentStatus, ...], MapBy("kind", "name")] = Field(
        default=(), max_length=64, description="The parts of the agent, each with what is wrong with it."
    )
