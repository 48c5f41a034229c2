"""The real Argo CD beside a control plane: its objects, a Redis, and every part of it as a process of its own.

One binary is all parts; an environment variable says which. They listen on free ports of 127.0.0.1 (the controller's
metrics on all addresses, which Argo CD has fixed). The cluster that holds Argo CD's objects, the hub, is what an
Application calls https://kubernetes.default.svc; further ones are added by a Secret.
"""

import hashlib
import hmac
import json
import os
import secrets
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from manifests.conftest import wait_served
from support.argocd.states import dumped
from support.kubernetes.cluster import Cluster
from support.kubernetes.control_plane import NotReady, ready_binary
from support.repository import REPOSITORY, TESTS
from supportplane_cli.embedded.ports import free_port, http_status
from supportplane_cli.embedded.process import Child, ChildSpec
from supportplane_cli.embedded.redis import Redis, RedisSpec
from supportplane_operator.snapshot import Manifest

NAMESPACE = "argocd"
MODULE = "github.com/argoproj/argo-cd/v3"
IN_CLUSTER = "https://kubernetes.default.svc"
API = "/apis/argoproj.io/v1alpha1"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
START_DEADLINE_S = 120.0  # a second on an idle machine
SETTINGS = ("cm", "cmd-params-cm", "gpg-keys-cm", "rbac-cm", "ssh-known-hosts-cm", "tls-certs-cm")
FOLDERS = {
    "ARGOCD_TLS_DATA_PATH": "tls",
    "ARGOCD_SSH_DATA_PATH": "ssh",
    "ARGOCD_GPG_DATA_PATH": "gpg/source",
    "ARGOCD_GNUPGHOME": "gpg/keys",
    "ARGOCD_PLUGINSOCKFILEPATH": "plugin",
}
# Who answers for each part, in the order in which they start; the last has no probe.
PROBED = (
    ("repo-metrics", "/healthz"),
    ("controller", "/healthz"),
    ("server", "/healthz"),
    ("sets-metrics", "/metrics"),
)
# What `run-action` compares with: the object as it would be, instead of a diff.
SHOW_CHANGED = "sh -c 'cat \"$2\"' show"
# A test that breaks a field five times need not wait minutes for the fifth repair.
HEAL_AT_ONCE = {f"self-heal-backoff-{name}": "1" for name in ("timeout-seconds", "factor", "cap-seconds")}


def skip_without_argocd() -> None:
    """Skip the module by the name of what would have to be built first."""
    try:
        for name in ("argocd", "helm", "kustomize"):
            ready_binary(name)
    except NotReady as reason:
        pytest.skip(str(reason), allow_module_level=True)


def manifests() -> Path:
    """The folder of Argo CD's own manifests, which its Go module brings."""
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    command = ["go", "mod", "download", "-json", MODULE]
    done = subprocess.run(
        command, cwd=TESTS / "servers/argocd", env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"Argo CD's manifests are not to be had: {done.stdout} {done.stderr}")
    return Path(json.loads(done.stdout)["Dir"]) / "manifests"


class ArgoCD:
    """folder: for what the parts keep. The hub has its control plane already."""

    def __init__(self, hub: Cluster, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.binary = ready_binary("argocd")
        self.webhook_secret = secrets.token_hex(16)
        password = secrets.token_urlsafe(16)
        self.redis = Redis(RedisSpec(folder=folder / "redis", log_file=folder / "redis.log", password=password))
        names = ("repo", "repo-metrics", "controller", "server", "server-metrics", "sets-metrics", "sets", "sets-hook")
        self.ports = {name: free_port() for name in names}
        self.parts: list[Child] = []

    def start(self) -> None:
        self._install()
        self.redis.start()
        self.redis.wait_ready()
        self.parts.extend(Child(self._spec(part, flags)) for part, flags in self._flags().items())
        for child, (port, path) in zip(self.parts, PROBED, strict=True):
            child.wait_ready(partial(_is_well, self.ports[port], path), deadline_s=START_DEADLINE_S)

    def stop(self) -> None:
        for part in reversed(self.parts):
            part.stop()
        self.redis.stop()

    # What people and forges do

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The API of argocd-server. A refusal is the sentence that it gives, as an AssertionError."""
        data = None if body is None else json.dumps(body).encode()
        return self._request(self.ports["server"], method, path, data, {"Content-Type": "application/json"})

    def told_of_push(self, url: str, commit: str, branch: str) -> None:
        """The webhook of a forge (GitHub's form): applications and sets of the repository look at once."""
        body = {"ref": f"refs/heads/{branch}", "after": commit, "repository": _forge(url), "commits": [{}]}
        data = json.dumps(body).encode()
        signature = hmac.new(self.webhook_secret.encode(), data, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        for port in ("server", "sets-hook"):
            self._request(self.ports[port], "POST", "/api/webhook", data, headers)

    def add_cluster(self, name: str, cluster: Cluster, server: str, **labels: str) -> None:
        """A control plane under the name of a region, with the rights of its administrator.

        server: its address, or IN_CLUSTER for the hub's own.
        """
        config = {"bearerToken": cluster.token, "tlsClientConfig": {"insecure": True}}
        manifest = {
            "metadata": {"name": name, "labels": {"argocd.argoproj.io/secret-type": "cluster", **labels}},
            "stringData": {"name": name, "server": server, "config": json.dumps(config)},
        }
        self.hub.create(f"/api/v1/namespaces/{NAMESPACE}/secrets", manifest)

    def _request(self, port: int, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 -- the same
                text = reply.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise AssertionError(f"{method} {path}: {refusal.code} {refusal.read().decode()}") from refusal
        return json.loads(text) if text.strip().startswith(b"{") else None

    # How it is installed

    def _install(self) -> None:
        folder = manifests()
        self.hub.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for path in sorted((folder / "crds").glob("*-crd.yaml")):
            self.apply(DEFINITIONS, YAML(typ="safe", pure=True).load(path))
        wait_served(self.hub, [f"{API}/{plural}" for plural in ("applications", "applicationsets", "appprojects")])
        settings = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
        for name in SETTINGS:
            self.apply(settings, YAML(typ="safe", pure=True).load(folder / f"base/config/argocd-{name}.yaml"))
        self.apply(settings, YAML(typ="safe", pure=True).load(REPOSITORY / "operator/argocd/argocd-cm.yaml"), by="team")
        keys = {"server.secretkey": secrets.token_hex(16), "webhook.github.secret": self.webhook_secret}
        labels = {"app.kubernetes.io/part-of": "argocd"}
        secret = {"metadata": {"name": "argocd-secret", "labels": labels}, "stringData": keys}
        self.hub.create(f"/api/v1/namespaces/{NAMESPACE}/secrets", secret)

    def apply(self, path: str, manifest: Manifest, by: str = "argocd-manifests") -> None:
        """Server-side apply, as `kubectl apply --server-side` does it."""
        address = f"{path}/{manifest['metadata']['name']}?fieldManager={by}&force=true"
        reply = self.hub.ask("PATCH", address, dumped(manifest).encode())
        assert reply.status in {200, 201}, reply.message

    def _spec(self, part: str, flags: dict[str, str]) -> ChildSpec:
        for name in FOLDERS.values():
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        tools = [str(Path(ready_binary(name)).parent) for name in ("helm", "kustomize")]
        environment = {
            "ARGOCD_BINARY_NAME": f"argocd-{part}",
            "KUBECONFIG": str(self.hub.kubeconfig("argocd", self.hub.token)),
            "PATH": os.pathsep.join([*tools, os.environ["PATH"]]),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "REDIS_PASSWORD": self.redis.spec.password,
            # An Application of the hub names it as if Argo CD ran in it.
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            **{name: str(self.folder / folder) for name, folder in FOLDERS.items()},
        }
        argv = (self.binary, *(f"--{name}={value}" for name, value in flags.items()))
        return ChildSpec(f"argocd-{part}", argv, self.folder / f"{part}.log", environment)

    def _flags(self) -> dict[str, dict[str, str]]:
        port = {name: str(number) for name, number in self.ports.items()}
        repository = f"127.0.0.1:{port['repo']}"
        asks = {"repo-server": repository, "repo-server-plaintext": "true", "redis": self.redis.address}
        here = {"address": "127.0.0.1", "metrics-address": "127.0.0.1"}
        return {
            "repo-server": {
                **here,
                "port": port["repo"],
                "metrics-port": port["repo-metrics"],
                "redis": self.redis.address,
                "disable-tls": "true",
            },
            "application-controller": {
                **asks,
                **HEAL_AT_ONCE,
                "namespace": NAMESPACE,
                "metrics-port": port["controller"],
                "persist-resource-health": "true",
                "repo-error-grace-period-seconds": "0",  # else three minutes pass before a broken file is told of
            },
            "server": {
                **asks,
                **here,
                "namespace": NAMESPACE,
                "port": port["server"],
                "metrics-port": port["server-metrics"],
                "insecure": "true",
                "disable-auth": "true",
                "dex-server": "http://127.0.0.1:9",  # nobody signs in
            },
            "applicationset-controller": {
                "namespace": NAMESPACE,
                "metrics-addr": f"127.0.0.1:{port['sets-metrics']}",
                "probe-addr": f"127.0.0.1:{port['sets']}",
                "webhook-addr": f"127.0.0.1:{port['sets-hook']}",
                "argocd-repo-server": repository,
                "repo-server-plaintext": "true",
                "enable-progressive-syncs": "true",
            },
        }


def admin_settings(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """`argocd admin settings resource-overrides ...` with our settings, offline."""
    settings = str(REPOSITORY / "operator/argocd/argocd-cm.yaml")
    command = [ready_binary("argocd"), "admin", "settings", "resource-overrides", *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "ARGOCD_BINARY_NAME": "argocd"}
    environment["KUBECTL_EXTERNAL_DIFF"] = SHOW_CHANGED
    return subprocess.run(
        [*command, "--argocd-cm-path", settings], env=environment, capture_output=True, text=True, check=False
    )


def _is_well(port: int, path: str) -> bool:
    return http_status(port, path) == 200


def _forge(url: str) -> Manifest:
    """How a forge names the repository: its page, which is the URL without `.git`."""
    return {"html_url": url.removesuffix(".git"), "default_branch": "main"}


@contextmanager
def running_argocd(hub: Cluster, folder: Path) -> Iterator[ArgoCD]:
    made = ArgoCD(hub, folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
