"""What a gateway tells the operator, without a runtime: one server for every agent, put behind its Service by the test.

It answers only to a token that the operator signed for the agent which the token is for, as the real one does.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from support.kubernetes.cluster import Cluster
from supportplane_crds.names import STATUS_ISSUER, STATUS_PATH

WELL = ("database", "cache", "schema", "model", "orchestrator", "knowledge")


class Gateway:
    """broken: by agent (namespace/name) a component that is not ok, with its sentence. asked: every request."""

    def __init__(self, address: str, key: Ed25519PublicKey, port: int = 0) -> None:
        self.address = address
        self.key = OKPKey.import_key(_pem(key))
        self.broken: dict[str, tuple[str, str]] = {}
        self.knowledge: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer((address, port), self._handler())

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def stand_behind(self, cluster: Cluster, namespace: str, agent: str) -> None:
        """Add an endpoint to the gateway's Service."""
        manifest = {
            "metadata": {"name": f"{agent}-stand-in", "labels": {"kubernetes.io/service-name": f"{agent}-gateway"}},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": self.port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [self.address], "conditions": {"ready": True}}],
        }
        cluster.create(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices", manifest)

    def answer(self, agent: str) -> dict[str, Any]:
        broken, detail = self.broken.get(agent, ("", ""))
        components = [{"name": name, "ok": name != broken, "required": True, "detail": detail} for name in WELL]
        return {
            "version": "0.1.0",
            "revision": None,
            "mode": "Auto",
            "components": components,
            "knowledge": self.knowledge.get(agent, []),
        }

    def audience(self, header: str) -> str | None:
        """For which agent the token is, or None for one that is not the operator's."""
        try:
            claims = jwt.decode(header.removeprefix("Bearer "), self.key, algorithms=["Ed25519"]).claims
        except (JoseError, ValueError):
            return None
        return str(claims["aud"]) if claims["iss"] == STATUS_ISSUER else None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                agent = gateway.audience(self.headers.get("Authorization", ""))
                gateway.asked.append(f"{self.path} {agent}")
                is_right = agent is not None and self.path == STATUS_PATH
                body = json.dumps(gateway.answer(agent) if agent and is_right else {}).encode()
                self.send_response(200 if is_right else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Tests have no access log."""

        return Handler


@contextmanager
def running_gateway(address: str, key: Ed25519PublicKey, port: int = 0) -> Iterator[Gateway]:
    """port: 8080 answers for every pod of kwok, because that is the machine's address too."""
    gateway = Gateway(address, key, port)
    thread = threading.Thread(target=gateway.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.server.shutdown()
        gateway.server.server_close()
        thread.join()


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
