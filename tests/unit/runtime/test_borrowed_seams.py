"""What we lean on in libraries without their promise, each by name and with what to do when it changes.

A failure here after an update is not a bug of the library: read the text of the seam, look at the library's new code,
and change ours.
"""

import inspect
from asyncio.selector_events import BaseSelectorEventLoop
from dataclasses import dataclass

import pytest
from fastapi.dependencies.models import Dependant
from huggingface_hub import AsyncInferenceClient
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from starlette.requests import Request
from uvicorn import Server
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

SERVER = "supportplane_runtime/gateway/server.py"
ROUTES = "supportplane_runtime/gateway/http/routes.py"


@dataclass(frozen=True, slots=True)
class Seam:
    """of: what is leaned on. holds: what its source must say. when_broken: for who reads the failure."""

    of: object
    holds: tuple[str, ...]
    when_broken: str


SEAMS = {
    "callbacks of the HTTP parser": Seam(
        HttpToolsProtocol,
        (
            "def on_message_begin(self)",
            "def on_url(self, url: bytes)",
            "def on_header(self, name: bytes, value: bytes)",
            "def on_headers_complete(self)",
            "def on_body(self, body: bytes)",
            "def on_message_complete(self)",
        ),
        f"{SERVER} counts header bytes, times arrival and refuses in these. Find where the new protocol sees the head "
        "and the end of a request, and move the overrides there.",
    ),
    "a reply tells its connection that it is complete": Seam(
        HttpToolsProtocol,
        ("on_response=self.on_response_complete", "def on_response_complete(self)"),
        f"{SERVER} learns there that a connection waits for its client again. Without it connections of floods would "
        "count as working and never be given up.",
    ),
    "pipelined requests stand in a queue": Seam(
        HttpToolsProtocol,
        ("self.pipeline: deque", "self.pipeline.appendleft", "self.flow.pause_reading()"),
        f"{SERVER} bounds the queue by its length in on_headers_complete.",
    ),
    "a protocol holds its latest request and reply": Seam(
        HttpToolsProtocol,
        ("self.cycle: RequestResponseCycle", "self.url = b", "self.scope = {", "self.client = get_remote_addr"),
        f"{SERVER} reads cycle, url, scope and client to decide what may still be sent on a connection.",
    ),
    "the state of a reply": Seam(
        RequestResponseCycle,
        ("self.response_started = ", "self.response_complete = "),
        f"{SERVER} must not write a refusal into the middle of a reply.",
    ),
    "the upgrade makes the WebSocket's protocol from an attribute": Seam(
        HttpToolsProtocol.handle_websocket_upgrade,
        ("self.ws_protocol_class(", "config=self.config", "self.connections.discard(self)"),
        f"{SERVER} puts a partial there that carries the connection's place over. Without it places leak.",
    ),
    "reading is paused for the application": Seam(
        FlowControl,
        ("self.read_paused", "self._transport.pause_reading()"),
        f"{SERVER} does not call a request slow while it is the gateway that does not read.",
    ),
    "a WebSocket's hooks": Seam(
        WebSocketsSansIOProtocol,
        (
            "def handle_connect(self",
            "def handle_cont(self",
            "def handle_ping(self)",
            "def send_receive_event_to_app(self)",
            "def handle_parser_exception(self)",
            "self.writable = asyncio.Event()",
            "self.close_sent = ",
            "self.scope: WebSocketScope",
        ),
        f"{SERVER} bounds fragments and control frames in these, and drops the connection of a slow reader.",
    ),
    "a WebSocket tells whether its handshake is over": Seam(
        WebSocketsSansIOProtocol,
        (
            "except ClientDisconnected:",
            "if not self.handshake_complete:\n                self.logger.error(",
            "raise ClientDisconnected()",
        ),
        f"{SERVER} sets handshake_complete after a refusal and raises ClientDisconnected for a client that has left, "
        "because uvicorn logs an error for both. Remove this when uvicorn no longer does.",
    ),
    "asyncio accepts as many connections at once as it lets wait": Seam(
        BaseSelectorEventLoop,
        ("for _ in range(backlog",),
        f"{SERVER} gives uvicorn a small backlog, so that few connections are accepted in one round, and raises the "
        "kernel's own afterwards. Find how the new event loop bounds a round.",
    ),
    "the server ticks ten times a second": Seam(
        Server.main_loop,
        ("await asyncio.sleep(0.1)", "await self.on_tick(counter)"),
        f"{SERVER} looks for unread replies there, once a second.",
    ),
    "the server holds its listeners and connections": Seam(
        Server,
        ("self.servers", "self.lifespan.state", "self.server_state", "self._captured_signals"),
        "supportplane_runtime/serving/server.py adds the listener for probes to them, so that it closes with the rest, "
        "and forgets the signal after a stop in order.",
    ),
    "connections of both kinds are in one set": Seam(
        ServerState,
        ("self.connections: set",),
        f"{SERVER} sweeps over them.",
    ),
    "a request keeps its parsed body": Seam(
        Request.json,
        ('if not hasattr(self, "_json")', "return self._json"),
        f"{ROUTES} parses the body itself and leaves the value there, so that FastAPI "
        "does not parse it again and less strictly.",
    ),
    "a dependency of a route names its function": Seam(
        Dependant,
        ("dependencies: list", "call: "),
        f"{ROUTES} sees there whether a route declares a caller. Without it a route would read the body of a stranger.",
    ),
    "the model's client makes its HTTP client in one place": Seam(
        AsyncInferenceClient,
        (
            "async def _get_async_client(self):",
            "self._async_client: Optional[httpx2.AsyncClient] = None",
            "self.exit_stack = AsyncExitStack()",
        ),
        "supportplane_runtime/model/chat.py puts a client on the connection pool there, with the endpoint's own key "
        "and never the token of the user's machine.",
    ),
    "checkpoints ask for a cursor in one place": Seam(
        AsyncPostgresSaver,
        ("async def _cursor(", "async with self._cursor() as cur", "async with self._cursor(pipeline=True) as cur"),
        "supportplane_runtime/orchestrator/checkpoints.py takes a connection of its pool there, without the lock and "
        "the pipeline that make the checkpoint of a turn wait for that of another.",
    ),
}


@pytest.mark.parametrize("name", SEAMS)
def test_a_seam_that_we_lean_on_is_there(name: str) -> None:
    seam = SEAMS[name]
    source = inspect.getsource(seam.of)  # type: ignore[arg-type]  # a class or a function
    missing = [each for each in seam.holds if each not in source]
    assert not missing, seam.when_broken
