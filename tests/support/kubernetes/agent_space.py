"""A namespace of a test with its agents: created, changed and awaited through the API, as a user would."""

import copy
from dataclasses import dataclass
from typing import Any

from support.eventually import eventually
from support.kubernetes.cluster import Cluster
from support.operator.gateway_stand_in import Gateway

GROUP = "/apis/supportplane.io/v1alpha1"
CORE = "/api/v1"
APPS = "/apis/apps/v1"
PLURALS = {"SupportAgent": "supportagents", "ModelEndpoint": "modelendpoints", "KnowledgeBase": "knowledgebases"}
CHILD_KINDS = {
    "configmaps": CORE,
    "services": CORE,
    "serviceaccounts": CORE,
    "deployments": APPS,
    "statefulsets": APPS,
    "jobs": "/apis/batch/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "networkpolicies": "/apis/networking.k8s.io/v1",
}
STORES = {"database": {"secretRef": {"name": "database"}}, "cache": {"secretRef": {"name": "cache"}}}
VERSION = "supportplane.io/v1alpha1"
ENDPOINT = {"apiVersion": VERSION, "kind": "ModelEndpoint", "metadata": {"name": "slm"}, "spec": {"embedded": {}}}


def agent(name: str = "helpdesk", **spec: Any) -> dict[str, Any]:
    """The smallest agent of a cluster, with more of a spec."""
    template = {"model": {"modelRef": {"name": "slm"}}}
    whole = {"template": template, "persistence": copy.deepcopy(STORES), **spec}
    return {"apiVersion": VERSION, "kind": "SupportAgent", "metadata": {"name": name}, "spec": whole}


@dataclass(frozen=True)
class Space:
    cluster: Cluster
    gateway: Gateway
    namespace: str

    def path(self, plural: str, name: str = "", group: str = GROUP) -> str:
        return f"{group}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def create(self, manifest: dict[str, Any], plural: str = "supportagents", group: str = GROUP) -> dict[str, Any]:
        return self.cluster.create(self.path(plural, group=group), manifest)

    def run(self, manifest: dict[str, Any]) -> str:
        """Endpoint, agent, and somebody who answers for its gateway. Returns the agent's name."""
        name: str = manifest["metadata"]["name"]
        if self.cluster.read(self.path("modelendpoints", "slm")) is None:
            self.create(ENDPOINT, "modelendpoints")
        self.gateway.stand_behind(self.cluster, self.namespace, name)
        self.create(manifest)
        return name

    def read(self, name: str, plural: str = "supportagents", group: str = GROUP) -> dict[str, Any]:
        found = self.cluster.read(self.path(plural, name, group))
        assert found is not None, f"{plural}/{name} is not there"
        return found

    def all(self, plural: str, group: str = GROUP) -> list[dict[str, Any]]:
        reply = self.cluster.ask("GET", self.path(plural, group=group))
        assert reply.status == 200, reply.message
        found: list[dict[str, Any]] = reply.body["items"]
        return found

    def patch(
        self, name: str, body: dict[str, Any], plural: str = "supportagents", group: str = GROUP
    ) -> dict[str, Any]:
        reply = self.cluster.ask("PATCH", self.path(plural, name, group), body, patch="merge")
        assert reply.status == 200, reply.message
        changed: dict[str, Any] = reply.body
        return changed

    def delete(self, name: str, plural: str = "supportagents", group: str = GROUP) -> None:
        reply = self.cluster.ask("DELETE", self.path(plural, name, group))
        assert reply.status in {200, 202}, reply.message

    def conditions(self, name: str, plural: str = "supportagents") -> dict[str, dict[str, Any]]:
        """By type, all of one status; what two reads return may be of two."""
        found = (self.cluster.read(self.path(plural, name)) or {}).get("status", {}).get("conditions", [])
        return {each["type"]: each for each in found}

    def condition(self, name: str, kind: str, plural: str = "supportagents") -> dict[str, Any]:
        return self.conditions(name, plural).get(kind, {})

    def is_ready(self, name: str, plural: str = "supportagents") -> bool:
        """At the generation that is there now."""
        found = self.read(name, plural)
        ready = self.condition(name, "Ready", plural)
        is_current = found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"]
        return is_current and ready.get("status") == "True"

    def wait_ready(self, name: str, deadline_s: float = 60.0) -> None:
        try:
            eventually(lambda: self.is_ready(name), f"{name} is Ready", deadline_s=deadline_s)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.condition(name, 'Ready')}") from late

    def wait_condition(self, name: str, kind: str, status: str, reason: str | None = None) -> dict[str, Any]:
        def read() -> dict[str, Any] | None:
            found = self.condition(name, kind)
            is_it = found.get("status") == status and reason in {None, found.get("reason")}
            return found if is_it else None

        return eventually(read, f"{kind} of {name} is {status} {reason or ''}")

    def children(self) -> dict[str, dict[str, Any]]:
        """Everything the operator made here, by plural/name, each with the path it is at."""
        query = "?labelSelector=app.kubernetes.io/managed-by=supportplane-operator"
        found: dict[str, dict[str, Any]] = {}
        for plural, group in CHILD_KINDS.items():
            listed = self.cluster.read(self.path(plural, group=group) + query) or {"items": []}
            for each in listed["items"]:
                name = each["metadata"]["name"]
                found[f"{plural}/{name}"] = {**each, "path": self.path(plural, name, group)}
        return found
