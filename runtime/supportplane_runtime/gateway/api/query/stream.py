"""A turn as ``text/event-stream``: its events, and a hint of where to go on when the server stops.

Used by endpoints.py. The pump with its heartbeats and its bounded wait for slow readers stands in serving/stream.py.
"""

from contextlib import AbstractContextManager, aclosing

from fastapi.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from supportplane_runtime.errors import RuntimeFault
from supportplane_runtime.gateway.api.query.events import (
    WireEvent,
    accepted_event,
    fault_event,
    reconnect_event,
    sse_frame,
    wire_event,
)
from supportplane_runtime.gateway.api.query.standing import while_welcome
from supportplane_runtime.gateway.asking import Run
from supportplane_runtime.gateway.limits.admission import Closing
from supportplane_runtime.gateway.state import Gateway
from supportplane_runtime.serving.stream import Heartbeat, PumpedResponse, Write

HEARTBEAT = b": still here\n\n"


class TurnStream(PumpedResponse):
    """announce: begin with the ``accepted`` event (a new turn, not a resumed one). held: its place among streams."""

    media_type = "text/event-stream"

    def __init__(self, gateway: Gateway, run: Run, *, announce: bool, held: AbstractContextManager[None]) -> None:
        settings = gateway.settings
        heartbeat = Heartbeat(HEARTBEAT, settings.stream_heartbeat_s, settings.stream_write_timeout_s)
        super().__init__(heartbeat, {"cache-control": "no-store", "x-accel-buffering": "no"})
        self._gateway = gateway
        self._run = run
        self._turn = str(run.turn_id)
        self._announce = announce
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held, self._gateway.admission.stream("sse"):
            try:
                await super().__call__(scope, receive, send)
            finally:
                self._gateway.asking.left(self._run)

    async def produce(self, connection: HTTPConnection, write: Write) -> None:
        run, gateway = self._run, self._gateway
        if self._announce:
            await write(self._frame(accepted_event(run.turn)))
        try:
            async with (
                gateway.admission.until_closing(),
                while_welcome(gateway, connection),
                aclosing(gateway.asking.events(run)) as events,
            ):
                async for event in events:
                    await write(self._frame(wire_event(event)))
        except Closing:
            await write(self._frame(reconnect_event(run.turn_id, run.last_sequence)))
        except RuntimeFault as fault:
            await write(self._frame(fault_event(fault, run.turn_id)))

    def _frame(self, event: WireEvent) -> bytes:
        return sse_frame(self._turn, event)
