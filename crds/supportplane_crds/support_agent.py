"""The kind ``SupportAgent``: what an agent does, knows, and how it is reached.

Everything that changes how it answers is in ``spec.template``. The schema holds only what works today; a feature
brings its own fields. Descriptions are written for ``kubectl explain`` and the reference page.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from supportplane_crds.cluster_only import CLUSTER_ONLY
from supportplane_crds.data_policy import DataPolicy
from supportplane_crds.exposure import (
    ONE_ROUTE,
    ROUTE_NEEDS_HOST,
    GatewayAuth,
    Ingress,
    NetworkPolicy,
    Observability,
)
from supportplane_crds.lists import AsSet, MapBy
from supportplane_crds.objects import (
    API_VERSION,
    Column,
    ContractModel,
    KubernetesObject,
    Scale,
    condition_column,
)
from supportplane_crds.persistence import Persistence
from supportplane_crds.quantity import DecimalText, Duration
from supportplane_crds.references import GatewayRef
from supportplane_crds.resources import Resources
from supportplane_crds.rules import Rule
from supportplane_crds.scaling import Scaling, ScalingMetric
from supportplane_crds.status import SupportAgentStatus
from supportplane_crds.text import Cidr, Hostname, Name, Note, PrintableLine, Prose, TenantId
from supportplane_crds.workloads import Images, Workloads


class Mode(StrEnum):
    """AUTO answers by itself. HANDOFF_ONLY opens a ticket for every question: the kill switch."""

    AUTO = "Auto"
    HANDOFF_ONLY = "HandoffOnly"


class Writing(StrEnum):
    """DISABLED composes answers of sentences from passages. VERIFIED lets the model write, under the same check."""

    DISABLED = "Disabled"
    VERIFIED = "Verified"


class Trigger(StrEnum):
    """Why a conversation goes to a person."""

    CUSTOMER_REQUEST = "CustomerRequest"
    MISSING_KNOWLEDGE = "MissingKnowledge"
    LOW_CONFIDENCE = "LowConfidence"


class LimitScope(StrEnum):
    """What a rate limit counts, and by what (ADR 0023)."""

    API_KEY = "APIKey"
    USER = "User"
    IP = "IP"
    NEW_VISITOR = "NewVisitor"


class Tenant(ContractModel):
    """Whose conversations, tickets and keys these are; no tenant sees another's rows."""

    id: TenantId = Field(default="default", description="Identifier of the tenant, a DNS label.")


class Instructions(ContractModel):
    """What the model is told besides the question and the passages."""

    inline: Prose = Field(
        min_length=1,
        max_length=16384,
        description="Text added to the system prompt, such as tone and house rules. Used only where the model writes.",
    )


class Orchestrator(ContractModel):
    """How a turn, one question and its answer, is worked on."""

    turn_timeout: Annotated[timedelta, Duration("1s", "15m")] = Field(
        default=timedelta(seconds=60),
        description="Longest time a turn may take; after it the turn ends as failed and the user is told.",
    )


class ModelRef(ContractModel):
    """A ModelEndpoint of the same file or namespace."""

    name: Name = Field(description="Name of the ModelEndpoint.")


class ModelParameters(ContractModel):
    """How the model generates."""

    temperature: Annotated[Decimal, DecimalText("0", "2")] = Field(
        default=Decimal("0.2"), description="Randomness as a decimal in quotes, from '0' (none) to '2'."
    )
    max_output_tokens: int = Field(
        default=512, ge=1, le=32768, description="Most tokens the model may write for one answer."
    )


class JudgeRef(ContractModel):
    """A ModelEndpoint of the same file or namespace, asked what a passage proves."""

    name: Name = Field(description="Name of the ModelEndpoint, the writer's or another.")


class Model(ContractModel):
    """Which model the agent uses, and what it is trusted with."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.judgeRef) || (has(self.writing) && self.writing == 'Verified')",
            "judgeRef needs writing: Verified, or there would be no sentence to judge",
            lambda model: model.judge_ref is None or model.writing is Writing.VERIFIED,
        ),
    )

    model_ref: ModelRef = Field(description="The ModelEndpoint to use.")
    parameters: ModelParameters = Field(default=ModelParameters(), description="How the model generates.")
    writing: Writing = Field(
        default=Writing.DISABLED,
        description="Disabled: an answer is composed of sentences quoted from the passages, the model is not asked. "
        "Verified: the model writes, and only sentences that the cited passages prove are used.",
    )
    judge_ref: JudgeRef | None = Field(
        default=None,
        description="With writing Verified: the ModelEndpoint that is asked whether a passage proves a sentence that "
        "is no quotation and breaks no hard rule. Without it only near quotations are used.",
    )


class KnowledgeRef(ContractModel):
    """A knowledge base the agent answers from."""

    name: Name = Field(description="Name of a KnowledgeBase of the same file or namespace.")
    top_k: int = Field(default=6, ge=1, le=50, description="Passages read for an answer, the best ones first.")


class Handoff(ContractModel):
    """When a conversation goes to a person, and to whom."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.confidenceBelow) || 'LowConfidence' in self.triggers",
            "confidenceBelow needs LowConfidence among triggers, or it would never be looked at",
            lambda handoff: handoff.confidence_below is None or Trigger.LOW_CONFIDENCE in handoff.triggers,
        ),
        Rule(
            "!('LowConfidence' in self.triggers) || has(self.confidenceBelow)",
            "trigger LowConfidence needs confidenceBelow, the percentage under which a person takes over",
            lambda handoff: Trigger.LOW_CONFIDENCE not in handoff.triggers or handoff.confidence_below is not None,
        ),
    )

    queue: PrintableLine | None = Field(default=None, description="Queue that tickets are put into; any text.")
    triggers: Annotated[tuple[Trigger, ...], AsSet()] = Field(
        default=(Trigger.CUSTOMER_REQUEST, Trigger.MISSING_KNOWLEDGE),
        min_length=1,
        max_length=3,
        description="What opens a ticket. CustomerRequest: the user asks for a person. MissingKnowledge: the question "
        "is in scope, but the documents do not answer it. LowConfidence: the answer's confidence is under "
        "confidenceBelow.",
    )
    confidence_below: int | None = Field(
        default=None, ge=1, le=100, description="With trigger LowConfidence: percentage under which a ticket is opened."
    )
    visitor_tickets_per_hour: int = Field(
        default=5,
        ge=1,
        le=1000,
        description="New tickets that one visitor of a website may open within an hour. A further question that a "
        "person has to answer is added to the visitor's newest ticket, which is opened again if it was closed.",
    )


class ShortTermMemory(ContractModel):
    """What the agent remembers of the running conversation."""

    max_turns: int = Field(
        default=20,
        ge=1,
        le=100,
        description="Earlier turns of the conversation that are read to understand a question.",
    )


class Memory(ContractModel):
    """What the agent remembers."""

    short_term: ShortTermMemory = Field(
        default=ShortTermMemory(), description="What the agent remembers of the running conversation."
    )


class ResponseCacheMode(StrEnum):
    """ENABLED tells the answer to an equal first question again, DISABLED works on each question (ADR 0037)."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class ResponseCache(ContractModel):
    """Whether an answer is told again when the same is asked."""

    mode: ResponseCacheMode = Field(
        default=ResponseCacheMode.ENABLED,
        description="Enabled: an equal first question gets the answer that was made before, until the documents are "
        "read again or somebody rates it down. Disabled: each question is worked on.",
    )


class AgentTemplate(ContractModel):
    """Everything that changes how the agent answers."""

    instructions: Instructions | None = Field(
        default=None, description="What the model is told besides the question and the passages."
    )
    orchestrator: Orchestrator = Field(default=Orchestrator(), description="How a turn is worked on.")
    model: Model = Field(description="Which model the agent uses, and what it is trusted with.")
    knowledge: Annotated[tuple[KnowledgeRef, ...], MapBy("name")] = Field(
        default=(), max_length=16, description="Knowledge bases the agent answers from; without one it hands off."
    )
    handoff: Handoff = Field(default=Handoff(), description="When a conversation goes to a person, and to whom.")
    memory: Memory = Field(default=Memory(), description="What the agent remembers.")
    response_cache: ResponseCache = Field(
        default=ResponseCache(), description="Whether an answer is told again when the same is asked."
    )


class RateLimit(ContractModel):
    """A limit on requests; over it a caller is answered 429 and told when to come back."""

    scope: LimitScope = Field(
        description="What is counted. APIKey: requests of each secret key. User: requests of each visitor of a website "
        "and of each user of the chat page. IP: requests of all visitors of an address, beyond the first five of each. "
        "NewVisitor: visitors that are made for an address; more of them wait for up to 15 seconds before they are "
        "refused."
    )
    requests: int = Field(ge=1, le=1000000, description="Requests allowed in a window.")
    window: Annotated[timedelta, Duration("1s", "24h")] = Field(description="Length of the window.")

    @property
    def per_second(self) -> float:
        return self.requests / self.window.total_seconds()


# Guesses with a margin (ADR 0023): a person asks a question in 10 s at best and sends three requests for it, and an
# office or a mobile operator's network has 200 visitors who all begin at once.
DEFAULT_LIMITS: tuple[RateLimit, ...] = (
    RateLimit(scope=LimitScope.API_KEY, requests=120, window=timedelta(minutes=1)),
    RateLimit(scope=LimitScope.USER, requests=60, window=timedelta(minutes=1)),
    RateLimit(scope=LimitScope.IP, requests=600, window=timedelta(minutes=1)),
    RateLimit(scope=LimitScope.NEW_VISITOR, requests=200, window=timedelta(seconds=10)),
)


class Gateway(ContractModel):
    """How the agent is reached."""

    rules: ClassVar[tuple[Rule, ...]] = (ONE_ROUTE, ROUTE_NEEDS_HOST)

    rate_limits: Annotated[tuple[RateLimit, ...], MapBy("scope")] = Field(
        default=DEFAULT_LIMITS,
        min_length=1,
        max_length=len(LimitScope),
        description="Limits on requests, one a scope. A scope that is left out has its default, and without User a "
        "user may not send more than APIKey allows. Health checks and metrics are not counted.",
    )
    trusted_proxies: Annotated[tuple[Cidr, ...], AsSet()] = Field(
        default=(),
        max_length=16,
        description="Addresses of proxies in front of the agent, whose X-Forwarded-For and X-Forwarded-Proto are "
        "believed. From everybody else these headers are ignored.",
    )
    parent_refs: Annotated[tuple[GatewayRef, ...], MapBy("name"), CLUSTER_ONLY] = Field(
        default=(), max_length=4, description="On a cluster: Gateways of the Gateway API that serve the host names."
    )
    ingress: Annotated[Ingress | None, CLUSTER_ONLY] = Field(
        default=None, description="On a cluster: an Ingress that serves the host names."
    )
    hostnames: Annotated[tuple[Hostname, ...], AsSet(), CLUSTER_ONLY] = Field(
        default=(), max_length=16, description="On a cluster: the names that the agent is reached by."
    )
    auth: Annotated[GatewayAuth, CLUSTER_ONLY] = Field(
        default=GatewayAuth(),
        description="On a cluster: who may call the agent. On a laptop keys are made with supportplane keys.",
    )

    def limits(self) -> dict[LimitScope, RateLimit]:
        """One for every scope: those stated, and the defaults of the others.

        A file that states a tight APIKey alone was written for keys whose visitors shared that limit: each visitor
        then has at most as much.
        """
        stated = {limit.scope: limit for limit in self.rate_limits}
        found = {limit.scope: limit for limit in DEFAULT_LIMITS} | stated
        if LimitScope.USER not in stated:
            of_user, of_key = found[LimitScope.USER], found[LimitScope.API_KEY]
            tighter = min(of_user, of_key, key=lambda limit: limit.per_second)
            found[LimitScope.USER] = tighter.model_copy(update={"scope": LimitScope.USER})
        return found


class ClassRef(ContractModel):
    """A SupportAgentClass of the cluster."""

    name: Name = Field(description="Name of the SupportAgentClass.")


def _is_measured(metric: ScalingMetric, resource: str) -> Callable[["SupportAgentSpec"], bool]:
    """Check that what is scaled by is requested: Kubernetes counts in percent of it."""

    def check(spec: "SupportAgentSpec") -> bool:
        targets = spec.scaling.autoscaling.targets if spec.scaling.autoscaling else ()
        if metric not in {each.metric for each in targets}:
            return True
        asked = (each.resources for each in (spec.workloads.gateway, spec.workloads.orchestrator) if each)
        return all(_says(each, resource) for each in asked if each and (each.requests or each.limits))

    return check


def _says(resources: Resources, name: str) -> bool:
    """A limit is a request, too, where there is none."""
    return any(amounts is not None and getattr(amounts, name) for amounts in (resources.requests, resources.limits))


def _measured_rule(metric: ScalingMetric, resource: str) -> Rule:
    """Without resources of its own a role has the operator's, which request both."""

    def role(name: str) -> str:
        asked = f"self.workloads.{name}.resources"
        says = [f"(has({asked}.{part}) && has({asked}.{part}.{resource}))" for part in ("requests", "limits")]
        is_unset = f"!has(self.workloads.{name}) || !has({asked}) || !(has({asked}.requests) || has({asked}.limits))"
        return f"({is_unset} || {' || '.join(says)})"

    scales = f"has(self.scaling.autoscaling) && self.scaling.autoscaling.targets.exists(t, t.metric == '{metric}')"
    return Rule(
        f"!({scales}) || ({role('gateway')} && {role('orchestrator')})",
        f"autoscaling by {metric} is in percent of what pods request: set requests.{resource} wherever "
        "workloads.gateway or workloads.orchestrator sets resources",
        _is_measured(metric, resource),
    )


class SupportAgentSpec(ContractModel):
    """What is wanted of the agent."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _measured_rule(ScalingMetric.CPU_UTILIZATION, "cpu"),
        _measured_rule(ScalingMetric.MEMORY_UTILIZATION, "memory"),
    )

    description: Note | None = Field(default=None, description="What the agent is for, for people.")
    mode: Mode = Field(
        default=Mode.AUTO,
        description="Auto: the agent answers, and hands off what it cannot answer. HandoffOnly: it answers nothing, "
        "and every question opens a ticket or is added to the open one; a kill switch.",
    )
    tenant: Tenant = Field(default=Tenant(), description="Whose conversations, tickets and keys these are.")
    template: AgentTemplate = Field(description="Everything that changes how the agent answers.")
    gateway: Gateway = Field(default=Gateway(), description="How the agent is reached.")
    data_policy: DataPolicy = Field(default=DataPolicy(), description="What happens to the data of the agent.")
    class_ref: Annotated[ClassRef | None, CLUSTER_ONLY] = Field(
        default=None, description="On a cluster: the SupportAgentClass that says what this agent leaves open."
    )
    images: Annotated[Images, CLUSTER_ONLY] = Field(
        default=Images(), description="On a cluster: which images the pods run."
    )
    persistence: Annotated[Persistence, CLUSTER_ONLY] = Field(
        default=Persistence(), description="On a cluster: where the agent keeps its state."
    )
    scaling: Annotated[Scaling, CLUSTER_ONLY] = Field(
        default=Scaling(replicas=2),
        description="On a cluster: how many pods there are of the gateway, and as many of each other role that takes "
        "requests, such as the orchestrator.",
    )
    workloads: Annotated[Workloads, CLUSTER_ONLY] = Field(
        default=Workloads(),
        description="On a cluster: how the pods of each role run. A role that is left out is as its class says.",
    )
    network_policy: Annotated[NetworkPolicy, CLUSTER_ONLY] = Field(
        default=NetworkPolicy(), description="On a cluster: which connections of the pods are allowed."
    )
    observability: Annotated[Observability, CLUSTER_ONLY] = Field(
        default=Observability(), description="On a cluster: what is made for monitoring."
    )


class SupportAgent(KubernetesObject):
    """A customer-support agent that answers from documents, cites them, and hands off what they do not answer."""

    plural: ClassVar[str] = "supportagents"
    short_names: ClassVar[tuple[str, ...]] = ("sagent",)
    columns: ClassVar[tuple[Column, ...]] = (
        condition_column("Ready", "Ready", "status"),
        condition_column("Reason", "Ready", "reason"),
        Column("Mode", ".spec.mode"),
        Column("Revision", ".status.revision"),
        Column("Pods", ".status.readyReplicas", "integer"),
        Column("Model", ".spec.template.model.modelRef.name", is_wide=True),
        Column("URL", ".status.url", is_wide=True),
        condition_column("Degraded", "Degraded", "status", is_wide=True),
    )
    scale: ClassVar[Scale | None] = Scale(".spec.scaling.replicas", ".status.replicas", ".status.selector")
    status_model: ClassVar[type[ContractModel] | None] = SupportAgentStatus

    api_version: Literal["supportplane.io/v1alpha1"] = Field(
        default=API_VERSION, description="Version of the contract."
    )
    kind: Literal["SupportAgent"] = Field(default="SupportAgent", description="The kind of the object.")
    spec: SupportAgentSpec = Field(description="What is wanted of the agent.")
