"""The contract: typed models of SupportAgent and its companion kinds, from which the CRD YAML is generated.

Every plane may import this package; it imports none of them. ``load_agent_file(path)`` reads a file; the models are in
``support_agent``, ``model_endpoint`` and ``knowledge_base``; ``python -m supportplane_crds.generate`` writes the CRDs.
"""

from supportplane_crds.errors import InvalidAgentFile, Problem
from supportplane_crds.knowledge_base import KnowledgeBase, KnowledgeSource
from supportplane_crds.load import AgentFile, load_agent_file, parse_agent_file
from supportplane_crds.model_endpoint import ModelEndpoint
from supportplane_crds.support_agent import Mode, SupportAgent, Trigger, Writing

__all__ = [
    "AgentFile",
    "InvalidAgentFile",
    "KnowledgeBase",
    "KnowledgeSource",
    "Mode",
    "ModelEndpoint",
    "Problem",
    "SupportAgent",
    "Trigger",
    "Writing",
    "load_agent_file",
    "parse_agent_file",
]
