"""Condition types and reasons that appear in a status, each with the sentence that explains it.

The operator's checks return these, its events and metrics carry them, and docs/reference/kubernetes.md lists them. A
reason is stable: alerts and people match on it.
"""

from enum import Flag, StrEnum, auto
from typing import Self


class Explained(StrEnum):
    """A word with a sentence about it, in ``meaning``. What a word has beyond these two, its kind takes in __init__."""

    meaning: str

    def __new__(cls, word: str, meaning: str, *_: object) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member


class ConditionType(Explained):
    """What a condition is about; its sentence says what True means."""

    ACCEPTED = "Accepted", "The specification is valid and this operator knows every field of it."
    RESOLVED_REFS = "ResolvedRefs", "Everything that the agent names exists: class, model, knowledge bases, Secrets."
    MODEL_READY = "ModelReady", "The model answered a probe."
    KNOWLEDGE_READY = "KnowledgeReady", "Every knowledge base is indexed as it is specified now."
    PERSISTENCE_READY = "PersistenceReady", "Database, cache and vector store answer, and the schema is up to date."
    GATEWAY_READY = "GatewayReady", "The route from outside is programmed, or none is asked for."
    AVAILABLE = "Available", "Enough pods of the serving revision are ready."
    PROGRESSING = "Progressing", "A revision is rolling out."
    SCALING_ACTIVE = "ScalingActive", "The number of pods is fixed, or the autoscaler can read its metrics."
    DEGRADED = "Degraded", "The agent serves, but something that it can do without is broken."
    READY = "Ready", "The agent can answer customers."
    STALLED = "Stalled", "Nothing will get better until a person changes something."


class Trait(Flag):
    """What the operator concludes from a reason, beside telling it."""

    NONE = 0
    NEEDS_A_PERSON = auto()  # nothing gets better until a person changes something
    KEEPS_A_POD_DOWN = auto()  # a new revision whose pods have it does not come up
    IS_REFERENCE = auto()  # an object that a pod refers to is missing


_PERSON = Trait.NEEDS_A_PERSON
_POD = Trait.KEEPS_A_POD_DOWN
_REFERENCE = Trait.KEEPS_A_POD_DOWN | Trait.IS_REFERENCE


class Reason(Explained):
    """Why a condition is as it is; traits: what follows from it."""

    def __init__(self, _word: str, _meaning: str, traits: Trait = Trait.NONE) -> None:
        self.traits = traits

    # Accepted
    VALID = "Valid", "The specification is valid."
    INVALID_SPEC = "InvalidSpec", "The stored object breaks a rule of the contract; the message says which.", _PERSON
    UNSUPPORTED_FEATURE = (
        "UnsupportedFeature",
        "The object has a field that this operator does not know.",
        _PERSON,
    )
    CLASS_NOT_FOUND = "ClassNotFound", "There is no SupportAgentClass of the name in spec.classRef.", _PERSON
    # ResolvedRefs
    ALL_RESOLVED = "AllResolved", "Everything that the agent names exists."
    MODEL_NOT_FOUND = "ModelNotFound", "There is no ModelEndpoint of this name in the agent's namespace.", _PERSON
    KNOWLEDGE_NOT_FOUND = (
        "KnowledgeNotFound",
        "There is no KnowledgeBase of this name in the agent's namespace.",
        _PERSON,
    )
    SECRET_NOT_FOUND = "SecretNotFound", "A Secret or a key of it that pods need does not exist.", _PERSON | _REFERENCE
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound", "A ConfigMap that pods need does not exist.", _PERSON | _REFERENCE
    VOLUME_CLAIM_NOT_FOUND = (
        "VolumeClaimNotFound",
        "A volume claim that pods need does not exist or is not bound.",
        _PERSON | _REFERENCE,
    )
    INVALID_REFERENCE = "InvalidReference", "An object that the agent names breaks a rule of the contract.", _PERSON
    # ModelReady
    PROBED = "Probed", "The model answered."
    LOADING = "Loading", "The model server is starting; it may have to download the model first."
    MODEL_UNREACHABLE = "ModelUnreachable", "The model does not answer."
    MODEL_FAILED = "ModelFailed", "The model server cannot start; the message says why."
    # KnowledgeReady
    INDEXED = "Indexed", "All documents are indexed."
    NO_KNOWLEDGE = "NoKnowledge", "The agent names no knowledge base; it hands every question to a person."
    INDEXING = "Indexing", "Documents are being read."
    INDEXING_FAILED = "IndexingFailed", "The job that reads the documents failed; its log says why.", _PERSON
    PATH_NEEDS_LAPTOP = (
        "PathNeedsLaptop",
        "A source names a path of a laptop: use configMap or volumeClaim.",
        _PERSON,
    )
    # PersistenceReady
    REACHABLE = "Reachable", "Database, cache and vector store answer, and the schema is up to date."
    DATABASE_NOT_CONFIGURED = (
        "DatabaseNotConfigured",
        "Neither spec.persistence nor the class names a database.",
        _PERSON,
    )
    CLOUD_NATIVE_PG_MISSING = (
        "CloudNativePGMissing",
        "CloudNativePG is asked for, but its operator is not installed.",
        _PERSON,
    )
    DATABASE_NOT_READY = "DatabaseNotReady", "The CloudNativePG cluster is not ready."
    DATABASE_UNREACHABLE = "DatabaseUnreachable", "The database does not answer."
    CACHE_NOT_CONFIGURED = (
        "CacheNotConfigured",
        "Neither spec.persistence.cache nor the class names a Redis, in which rate limits are counted.",
        _PERSON,
    )
    CACHE_NOT_READY = "CacheNotReady", "The Redis that was made for the agent is not ready."
    CACHE_UNREACHABLE = (
        "CacheUnreachable",
        "The Redis of the agent does not answer; each gateway grants its part of the rate limits.",
    )
    VECTOR_STORE_NOT_READY = "VectorStoreNotReady", "The managed Weaviate is not ready."
    VECTOR_STORE_UNREACHABLE = "VectorStoreUnreachable", "The vector store does not answer."
    MIGRATION_PENDING = "MigrationPending", "The database schema is being brought up to date."
    MIGRATION_FAILED = "MigrationFailed", "The job that changes the database schema failed; its log says why."
    # GatewayReady
    NOT_REQUESTED = "NotRequested", "No route is asked for; the agent is reached by its Service."
    PROGRAMMED = "Programmed", "The route is in force."
    ROUTE_PENDING = "RoutePending", "The gateway or the ingress controller has not answered yet."
    ROUTE_NOT_ACCEPTED = "RouteNotAccepted", "The gateway refused the route; the message says why.", _PERSON
    GATEWAY_API_MISSING = "GatewayAPIMissing", "parentRefs are set, but the Gateway API is not installed.", _PERSON
    # Available
    MINIMUM_PODS_READY = "MinimumPodsReady", "Enough pods are ready."
    PODS_UNAVAILABLE = "PodsUnavailable", "Too few pods are ready; the message names the first obstacle."
    SCALED_TO_ZERO = "ScaledToZero", "spec.scaling.replicas is 0."
    # Progressing
    REVISION_SERVING = "RevisionServing", "The wanted revision serves; nothing is rolling out."
    ROLLING_OUT = "RollingOut", "Pods of a new revision are starting; the old ones serve until these are ready."
    PAUSED = "Paused", "The annotation supportplane.io/paused is set: nothing is changed."
    ROLLOUT_FAILED = (
        "RolloutFailed",
        "Pods of the new revision do not become ready; the old revision goes on serving.",
        _PERSON,
    )
    DELETING = "Deleting", "The agent is being deleted."
    # ScalingActive
    FIXED_REPLICAS = "FixedReplicas", "The number of pods is fixed."
    VALID_METRIC = "ValidMetric", "The autoscaler reads its metrics."
    METRIC_MISSING = "MetricMissing", "The autoscaler cannot read its metrics; is metrics-server installed?"
    KEDA_MISSING = "KedaMissing", "KEDA is asked for, but it is not installed."
    # Degraded, Stalled, Ready
    AS_EXPECTED = "AsExpected", "Nothing is wrong."
    COMPONENT_FAILING = "ComponentFailing", "A part that the agent can do without does not work; the message names it."
    IMAGE_PULL_FAILED = "ImagePullFailed", "An image cannot be pulled.", _PERSON | _POD
    CRASH_LOOPING = "CrashLooping", "A container ends again and again; its log says why.", _POD
    UNSCHEDULABLE = "Unschedulable", "No node has room for a pod or may run it.", _POD
    QUOTA_EXCEEDED = "QuotaExceeded", "A quota of the namespace or an admission rule refuses an object.", _PERSON
    APPLY_FAILED = "ApplyFailed", "The API server refused an object of the agent; the message says why.", _PERSON
    STATUS_UNREADABLE = "StatusUnreadable", "The agent's own status endpoint does not answer the operator."
    SERVING = "Serving", "The agent answers customers."


def reasons_with(trait: Trait) -> frozenset[Reason]:
    return frozenset(each for each in Reason if trait in each.traits)
