"""The smallest tree that a team can run an agent from: one object a file, every safety-relevant field written out.

A kustomization names the files. Of a plain folder Argo CD leaves out a file that is no YAML and has no head of a
manifest, and prunes what stood in it: half a file would delete the agent.
"""

from typing import Any

from support.argocd.states import dumped
from support.kubernetes.agent_space import ENDPOINT
from support.kubernetes.agent_space import agent as smallest_agent

FILES = ("supportagent.yaml", "modelendpoint.yaml")
INSTRUCTIONS = "Answer from the documents."


def agent_files(instructions: str = INSTRUCTIONS, **spec: Any) -> dict[str, str | None]:
    """File name -> text. spec: more of the agent."""
    objects = {"supportagent.yaml": agent_text(instructions, **spec), "modelendpoint.yaml": dumped(ENDPOINT)}
    return {**objects, **listing(*objects)}


def listing(*names: str) -> dict[str, str | None]:
    """The kustomization of files of these names."""
    return {"kustomization.yaml": dumped({"resources": sorted(names)})}


def agent_text(instructions: str = INSTRUCTIONS, **spec: Any) -> str:
    manifest = smallest_agent(mode="Auto", **spec)
    manifest["spec"]["template"]["instructions"] = {"inline": instructions}
    return dumped(manifest)


def config_map_text(name: str, **data: str) -> str:
    return dumped({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
