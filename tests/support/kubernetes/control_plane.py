"""A real Kubernetes API server with its etcd, started for a test session in a few seconds.

Binaries are the user's (KUBEBUILDER_ASSETS, PATH) or those that scripts/tool has built; see ``ready_binary``. Both are
supervised children, so they end with pytest however it ends. Requests go through ``ask`` as cluster administrator.
"""

import json
import os
import secrets
import signal
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from support.repository import REPOSITORY
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.process import Child, ChildSpec

# What service accounts of ours did to which object, without bodies: one line a request, when it is answered. Neither
# tests nor Kubernetes' own parts are in it, who do most.
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  userGroups: [system:masters, 'system:serviceaccounts:kube-system']
- level: Metadata
"""
AUDIT_LOG_MB = 2000  # beyond it the server would begin a new file
PATCH_TYPES = {"apply": "application/apply-patch+yaml", "merge": "application/merge-patch+json"}
START_DEADLINE_S = 120.0  # 4 s on an idle machine of two cores; a busy one is not a failure


def ready_binary(name: str) -> str:
    """Path of a binary that needs no building. Raises NotReady with the command that builds it."""
    command = [str(REPOSITORY / "scripts/tool"), "--ready", name]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        raise NotReady(f"{found.stderr.strip().removeprefix('[tools] ')}; or set KUBEBUILDER_ASSETS")
    return found.stdout.strip()


def missing_binaries() -> str | None:
    """Why no control plane can be started here, or None."""
    try:
        for name in ("etcd", "kube-apiserver"):
            ready_binary(name)
    except NotReady as reason:
        return str(reason)
    return None


class NotReady(Exception):
    """A binary would have to be built first."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any

    @property
    def message(self) -> str:
        """The API server's sentence about a refusal."""
        return str(self.body.get("message", ""))


class ControlPlane:
    """etcd and kube-apiserver in a folder of their own, on free ports of 127.0.0.1."""

    def __init__(self, folder: Path, *, audited: bool = False) -> None:
        """audited: every request leaves a line in ``audit_log``."""
        self.folder = folder
        self.audited = audited
        self.token = secrets.token_urlsafe(16)
        self.port = free_port()
        self._etcd_port, self._peer_port = free_port(), free_port()
        self._etcd = Child(self._etcd_spec(ready_binary("etcd")))
        self._api: Child | None = None

    def start(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.TraditionalOpenSSL
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        (self.folder / "sa.key").write_bytes(pem)
        (self.folder / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        (self.folder / "audit.yaml").write_text(AUDIT_POLICY)
        self.start_api()

    def start_api(self) -> None:
        """Start the API server, again where it was stopped: same port, same etcd, same certificate."""
        self._api = Child(self._api_spec(ready_binary("kube-apiserver")))
        self._api.wait_ready(self._is_ready, deadline_s=START_DEADLINE_S)

    def stop_api(self) -> None:
        if self._api is not None:
            self._api.stop()

    def stop(self) -> None:
        """The API server first: without its etcd it hangs at exit."""
        self.stop_api()
        self._etcd.stop()

    @contextmanager
    def slow_etcd(self) -> Iterator[None]:
        """It works a third of the time, a tenth of a second at once."""
        is_over = threading.Event()
        thread = threading.Thread(target=self._stutter, args=(is_over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    @contextmanager
    def hung_api(self) -> Iterator[None]:
        """The API server answers nobody and refuses nobody, as one whose network is gone."""
        assert self._api is not None
        os.kill(self._api.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._api.pid, signal.SIGCONT)

    def hang_etcd(self, *, for_s: float) -> None:
        """Returns when it goes on, having missed nothing."""
        os.kill(self._etcd.pid, signal.SIGSTOP)
        try:
            time.sleep(for_s)
        finally:
            os.kill(self._etcd.pid, signal.SIGCONT)

    def _stutter(self, is_over: threading.Event) -> None:
        while not is_over.wait(0.1):
            self.hang_etcd(for_s=0.2)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def audit_log(self) -> Path:
        """One JSON object a line, when the server was started with ``audited``."""
        return self.folder / "audit.log"

    def kubeconfig(self, name: str, token: str) -> Path:
        """A file for clients that come as the owner of the token."""
        cluster = {"server": self.url, "certificate-authority": str(self.folder / "certs/apiserver.crt")}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps(config))
        return path

    def ask(
        self, method: str, path: str, body: Any = None, *, accept: str = "application/json", patch: str = "apply"
    ) -> Reply:
        """body: what JSON can hold, or bytes of YAML. patch: what a PATCH carries: apply (server-side) or merge."""
        content_type = "application/yaml" if isinstance(body, bytes) else "application/json"
        content_type = PATCH_TYPES[patch] if method == "PATCH" else content_type
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type, "Accept": accept}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self._url(path), data, headers, method=method)  # noqa: S310 -- https, our own
        try:
            with urllib.request.urlopen(request, context=self.tls(), timeout=60) as reply:  # noqa: S310 -- the same
                return Reply(reply.status, _parsed(reply.read()))
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Reply(refusal.code, _parsed(refusal.read()))

    def _url(self, path: str) -> str:
        return f"{self.url}{path}"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "certs/apiserver.crt"))

    def _is_ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz").status == 200
        except OSError:  # no certificate yet, or nobody listens
            return False

    def _etcd_spec(self, binary: str) -> ChildSpec:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        flags = {
            "data-dir": self.folder / "etcd",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "log-level": "error",
        }
        return ChildSpec("etcd", (binary, *_flags(flags), "--unsafe-no-fsync"), self.folder / "etcd.log")

    def _api_spec(self, binary: str) -> ChildSpec:
        flags = {
            "etcd-servers": f"http://127.0.0.1:{self._etcd_port}",
            "secure-port": self.port,
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "cert-dir": self.folder / "certs",
            "service-cluster-ip-range": "198.19.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self.folder / "sa.key",
            "service-account-signing-key-file": self.folder / "sa.key",
            "token-auth-file": self.folder / "tokens.csv",
            "authorization-mode": "Node,RBAC",
            "allow-privileged": "true",
        }
        if self.audited:
            flags |= {"audit-policy-file": self.folder / "audit.yaml", "audit-log-path": self.audit_log}
            flags |= {"audit-log-maxsize": AUDIT_LOG_MB}
        return ChildSpec("kube-apiserver", (binary, *_flags(flags)), self.folder / "kube-apiserver.log")


def _flags(values: dict[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items()]


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace")}
