"""The contract: typed models of SupportAgent and its companion kinds, from which the CRD YAML is generated.

Every plane may import this package; it imports none of them. ``load_agent_file(path)`` reads a file, ``parse_object``
an object that an API server returned; the models are in ``support_agent``, ``support_agent_class``,
``model_endpoint`` and ``knowledge_base``, and what these are made of beside them; names on a cluster are in ``names``,
conditions and reasons in ``reasons``; ``python -m supportplane_crds.generate`` writes the CRDs.
"""

from supportplane_crds.cluster_only import fields_that_need_a_cluster, fields_without_effect
from supportplane_crds.errors import InvalidAgentFile, InvalidObject, Problem
from supportplane_crds.knowledge_base import EmbeddingModel, KnowledgeBase, KnowledgeSource, embedding_model_of
from supportplane_crds.load import AgentFile, agent_from_objects, load_agent_file, parse_agent_file, parse_object
from supportplane_crds.model_endpoint import ModelEndpoint
from supportplane_crds.objects import KubernetesObject
from supportplane_crds.reasons import ConditionType, Reason
from supportplane_crds.status import CompanionStatus, Condition, SupportAgentStatus
from supportplane_crds.support_agent import Mode, SupportAgent, Trigger, Writing
from supportplane_crds.support_agent_class import SupportAgentClass

__all__ = [
    "AgentFile",
    "CompanionStatus",
    "Condition",
    "ConditionType",
    "EmbeddingModel",
    "InvalidAgentFile",
    "InvalidObject",
    "KnowledgeBase",
    "KnowledgeSource",
    "KubernetesObject",
    "Mode",
    "ModelEndpoint",
    "Problem",
    "Reason",
    "SupportAgent",
    "SupportAgentClass",
    "SupportAgentStatus",
    "Trigger",
    "Writing",
    "agent_from_objects",
    "embedding_model_of",
    "fields_that_need_a_cluster",
    "fields_without_effect",
    "load_agent_file",
    "parse_agent_file",
    "parse_object",
]
