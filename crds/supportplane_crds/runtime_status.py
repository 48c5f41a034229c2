"""What a running agent says of itself: the body of GET /internal/v1/status, and what orchestrators tell gateways.

The gateway and the orchestrator write these values, the operator and the gateway read them. During an upgrade the two
ends are of different releases: a reader ignores a field that it does not know and fills in a field that is missing,
except the few that every release has written. The bounds are for a reader that does not trust the other end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from supportplane_crds import names, roles
from supportplane_crds.reasons import ConditionType
from supportplane_crds.status import MAX_COUNT

_Name = Annotated[str, Field(max_length=63)]
_Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]

PART_SCHEMA: Final = "schema"
PART_MODEL: Final = "model"
PART_JUDGE: Final = "judge"
PART_KNOWLEDGE: Final = "knowledge"
BEHIND_ORCHESTRATORS: Final = (PART_MODEL, PART_KNOWLEDGE)
"""Parts that only an orchestrator reaches."""

CONDITIONS: Final[Mapping[str, ConditionType]] = {
    **dict.fromkeys(roles.BY_NAME, ConditionType.AVAILABLE),
    names.ROLE_MIGRATE: ConditionType.PERSISTENCE_READY,
    names.COMPONENT_DATABASE: ConditionType.PERSISTENCE_READY,
    names.COMPONENT_CACHE: ConditionType.PERSISTENCE_READY,
    names.COMPONENT_WEAVIATE: ConditionType.PERSISTENCE_READY,
    PART_SCHEMA: ConditionType.PERSISTENCE_READY,
    PART_KNOWLEDGE: ConditionType.KNOWLEDGE_READY,
    PART_MODEL: ConditionType.MODEL_READY,
    PART_JUDGE: ConditionType.MODEL_READY,
}
"""The condition that a component of an agent is about: a role, a store, or a part that the runtime depends on."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part as the runtime sees it. ok: None where the part could not be asked. detail: a sentence for people.

    required: without this part no question can be answered.
    """

    name: _Name  # database, schema, cache, orchestrator, model, judge or knowledge
    ok: bool | None
    required: bool = True
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KnowledgeCount:
    """What is indexed of a knowledge base. skipped: files that the last completed reading left out. failed: the last
    reading could not read everything else.

    embedding: the model whose passages answer. next_embedding: the one that takes over when embedded reaches the
    number of passages; empty when there is none.
    """

    name: _Name
    documents: _Count
    chunks: _Count
    skipped: _Count = 0
    failed: bool = False
    embedding: _Name = ""
    next_embedding: _Name = ""
    embedded: _Count = 0

    @property
    def change(self) -> str:
        """That the embedding model is being changed, for people; empty when it is not."""
        if not self.next_embedding:
            return ""
        return (
            f"{self.embedded} of about {self.chunks} passages of {self.name} are embedded with {self.next_embedding}, "
            f"those of {self.embedding} answer until all are"
        )


class _OfParts:
    __slots__ = ()
    components: tuple[Part, ...]

    def part(self, name: str) -> Part | None:
        return next((each for each in self.components if each.name == name), None)


@dataclass(frozen=True, slots=True)
class OrchestratorStatus(_OfParts):
    """How an orchestrator finds the parts behind it, whether answers need them now or not.

    unread: why there is no usable index yet, as a sentence; empty when there is one, and from a release that does not
    tell.
    """

    components: tuple[Part, ...] = ()
    knowledge: tuple[KnowledgeCount, ...] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeStatus(_OfParts):
    """A gateway's answer to the operator. revision: of the agent, None where the process was not told one."""

    version: str
    revision: str | None = None
    mode: str
    components: Annotated[tuple[Part, ...], Field(max_length=32)] = ()
    knowledge: Annotated[tuple[KnowledgeCount, ...], Field(max_length=16)] = ()


_RUNTIME = TypeAdapter(RuntimeStatus)
_ORCHESTRATOR = TypeAdapter(OrchestratorStatus)


def parse_runtime_status(body: bytes) -> RuntimeStatus:
    """Raises ValueError for anything that is not the status of a gateway."""
    return _RUNTIME.validate_json(body)


def orchestrator_status(values: Any) -> OrchestratorStatus:
    """values: parsed JSON. Raises ValueError for anything that is not the status of an orchestrator."""
    return _ORCHESTRATOR.validate_python(values)
