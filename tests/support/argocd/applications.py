"""Applications as a team writes them, and what Argo CD says of each: made, awaited and taken away through the API."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.argocd.installation import API, IN_CLUSTER, NAMESPACE, ArgoCD
from support.eventually import eventually
from supportplane_operator.snapshot import Manifest

GROUP = f"{API}/namespaces/{NAMESPACE}"
# As in ADR 0043: without `refresh` a commit that the API server refuses is tried again for minutes after its fix.
RETRY: Manifest = {"limit": 5, "refresh": True, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "5s"}}
PROJECT: Manifest = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": NAMESPACE},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"namespace": "*", "server": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}


def application_spec(url: str, *, path: str, namespace: str, revision: str = "main", server: str = IN_CLUSTER) -> Any:
    return {
        "project": "default",
        "source": {"repoURL": url, "path": path, "targetRevision": revision},
        "destination": {"server": server, "namespace": namespace},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": ["ServerSideApply=true"],
            "retry": RETRY,
        },
    }


@dataclass(frozen=True)
class Application:
    argocd: ArgoCD
    name: str

    def create(self, spec: Manifest) -> "Application":
        metadata = {"name": self.name, "finalizers": ["resources-finalizer.argocd.argoproj.io"]}
        body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}
        self.argocd.hub.create(f"{GROUP}/applications", body)
        return self

    def read(self) -> Manifest:
        """Empty while there is none."""
        return self.argocd.hub.read(f"{GROUP}/applications/{self.name}") or {}

    def patch(self, change: Manifest) -> None:
        reply = self.argocd.hub.ask("PATCH", f"{GROUP}/applications/{self.name}", change, patch="merge")
        assert reply.status == 200, reply.message

    def delete(self) -> None:
        """With all that it made."""
        self.argocd.hub.ask("DELETE", f"{GROUP}/applications/{self.name}")
        self.wait_gone()

    def wait_gone(self, **more: Any) -> None:
        eventually(lambda: not self.read(), f"application {self.name} is gone", **more)

    @property
    def status(self) -> Manifest:
        found: Manifest = self.read().get("status", {})
        return found

    @property
    def sync(self) -> tuple[str, str]:
        """Synced or not, and the commit that this is said of."""
        found = self.status.get("sync", {})
        return found.get("status", ""), found.get("revision", "")

    @property
    def health(self) -> str:
        return str(self.status.get("health", {}).get("status", ""))

    def health_of(self, kind: str, name: str) -> tuple[str, str]:
        """Status and message of one object."""
        for each in self.status.get("resources", ()):
            if (each["kind"], each["name"]) == (kind, name):
                found = each.get("health", {})
                return found.get("status", ""), found.get("message", "")
        return "", ""

    def is_applied(self, commit: str) -> bool:
        """Argo CD has put the commit into the cluster and says that nothing differs from it."""
        done = self.status.get("operationState", {})
        return self.sync == ("Synced", commit) and done.get("phase") == "Succeeded"

    def wait_applied(self, commit: str, **more: Any) -> None:
        self._wait(lambda: self.is_applied(commit), f"{self.name} is at {commit[:8]}", **more)

    def wait_healthy(self, **more: Any) -> None:
        self._wait(lambda: self.health == "Healthy", f"{self.name} is Healthy", **more)

    def wait_health_of(self, kind: str, name: str, status: str) -> str:
        """The message."""

        def said() -> str | None:
            found, message = self.health_of(kind, name)
            return message or " " if found == status else None

        try:
            return eventually(said, f"{kind} {name} is {status}")
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.health_of(kind, name)}") from late

    def actions(self, kind: str, name: str, namespace: str) -> dict[str, Manifest]:
        """What is offered now, by name."""
        query = f"namespace={namespace}&resourceName={name}&group=supportplane.io&version=v1alpha1&kind={kind}"
        found = self.argocd.call("GET", f"/api/v1/applications/{self.name}/resource/actions?{query}")
        return {each["name"]: each for each in found.get("actions", ())}

    def act(self, action: str, kind: str, name: str, namespace: str, **parameters: str) -> None:
        """As a click in Argo CD's page does it."""
        body = {
            "name": self.name,
            "namespace": namespace,
            "resourceName": name,
            "group": "supportplane.io",
            "version": "v1alpha1",
            "kind": kind,
            "action": action,
            "resourceActionParameters": [{"name": key, "value": value} for key, value in parameters.items()],
        }
        self.argocd.call("POST", f"/api/v1/applications/{self.name}/resource/actions/v2", body)

    def _wait(self, is_so: Callable[[], bool], what: str, **more: Any) -> None:
        try:
            eventually(is_so, what, **more)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.told()}") from late

    def told(self) -> str:
        """What Argo CD says, for a test that fails."""
        status = self.status
        operation = status.get("operationState", {})
        shown = (self.sync, self.health, status.get("conditions"), operation.get("phase"), operation.get("message"))
        return " ".join(map(str, shown))


def seconds_until(is_so: Callable[[], Any], what: str, since: float) -> float:
    """Seconds of time.monotonic from `since` until it was so."""
    eventually(is_so, what)
    return time.monotonic() - since
