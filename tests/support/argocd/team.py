"""A team that works with git: a folder of the repository, and an Application that keeps a namespace as it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.argocd.applications import Application, application_spec
from support.argocd.git_server import BRANCH, WorkTree
from support.argocd.installation import ArgoCD
from support.argocd.tree import INSTRUCTIONS
from support.eventually import eventually
from support.kubernetes.agent_space import Space

AGENT = "helpdesk"


@dataclass(frozen=True)
class Team:
    """name: of the folder. branch: what the Application follows. agent: the name of the agent."""

    argocd: ArgoCD
    tree: WorkTree
    space: Space
    name: str
    application: Application
    branch: str = BRANCH
    agent: str = AGENT

    def push(self, message: str, files: Mapping[str, str | None]) -> str:
        """The commit, of which Argo CD was told. files: below the team's folder."""
        commit = self.tree.push(message, {f"{self.name}/{path}": text for path, text in files.items()}, self.branch)
        self.tell(commit)
        return commit

    def tell(self, commit: str) -> None:
        """What a forge does after a push."""
        self.argocd.told_of_push(self.tree.server.url, commit, self.branch)

    def follow(self) -> Application:
        """Argo CD keeps the namespace as the folder says."""
        url, namespace = self.tree.server.url, self.space.namespace
        spec = application_spec(url, path=self.name, namespace=namespace, revision=self.branch)
        return self.application.create(spec)

    def instructions(self) -> Any:
        """Of the agent in the cluster."""
        found = self.space.cluster.read(self.space.path("supportagents", self.agent)) or {}
        return found.get("spec", {}).get("template", {}).get("instructions", {}).get("inline")

    def is_reconciled(self, instructions: str = INSTRUCTIONS) -> bool:
        """The operator has brought the agent to these instructions, and the agent answers with them."""
        if self.instructions() != instructions:
            return False
        status = self.space.read(self.agent).get("status", {})
        is_serving = status.get("revision") is not None and status.get("revision") == status.get("updateRevision")
        return is_serving and self.space.is_ready(self.agent)

    def wait_reconciled(self, instructions: str = INSTRUCTIONS, **more: Any) -> None:
        try:
            eventually(lambda: self.is_reconciled(instructions), f"{self.name} answers by {instructions!r}", **more)
        except AssertionError as late:
            raise AssertionError(
                f"{late}: {self.application.told()} {self.space.condition(self.agent, 'Ready')}"
            ) from late
