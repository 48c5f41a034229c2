"""The WebSocket: questions in, the same events out as over SSE, several turns at once.

A frame that makes no sense is answered with an error frame; one that breaks the protocol closes the socket: 1003 for
binary, 1007 for bad UTF-8, 1008 for too many senseless frames or pings, 1009 for too big (what is below frames is in
server.py). A caller that is known no longer is closed with 1008 too. Closing the socket does not cancel its turns:
``resume`` goes on with them. Used by endpoints.py.
"""

import asyncio
from contextlib import aclosing
from uuid import UUID

from fastapi import WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from supportplane_runtime.domain.identity import Caller, Scope
from supportplane_runtime.errors import Conflict, Forbidden, RuntimeFault, Unauthenticated
from supportplane_runtime.gateway.api.access import visible_turn
from supportplane_runtime.gateway.api.query.beginning import begin
from supportplane_runtime.gateway.api.query.events import (
    WireEvent,
    accepted_event,
    fault_event,
    reconnect_event,
    socket_frame,
    wire_event,
)
from supportplane_runtime.gateway.api.query.requests import turn_request
from supportplane_runtime.gateway.api.query.schemas import FRAMES, CancelFrame, QueryFrame, ResumeFrame
from supportplane_runtime.gateway.api.query.standing import while_welcome
from supportplane_runtime.gateway.asking import Run
from supportplane_runtime.gateway.facts import RequestFacts, facts_of
from supportplane_runtime.gateway.http.callers import asker_of, ensure_scope, limit_request
from supportplane_runtime.gateway.http.json import parse_json
from supportplane_runtime.gateway.http.observation import audit_entry
from supportplane_runtime.gateway.http.problems import invalid_fields
from supportplane_runtime.gateway.identity.lookups import SUBPROTOCOL
from supportplane_runtime.gateway.limits.admission import Closing
from supportplane_runtime.gateway.state import Gateway
from supportplane_runtime.serving.stream import SlowReader, abort

MAX_TURNS_PER_SOCKET = 4  # a page shows one, a few may overlap; a server with more users opens more sockets
MAX_BAD_FRAMES = 5


class Socket:
    def __init__(self, websocket: WebSocket, caller: Caller, gateway: Gateway) -> None:
        self._websocket = websocket
        self._caller = caller
        self._gateway = gateway
        self._pumps: dict[UUID, tuple[Run, asyncio.Task[None]]] = {}
        self._bad_frames = 0

    async def serve(self) -> None:
        """Raises TooManyStreams, which answers the handshake."""
        peer = facts_of(self._websocket).peer
        self._gateway.streams.ensure_room(self._caller, peer)
        with self._gateway.streams.held(self._caller, peer), self._gateway.admission.stream("websocket"):
            offered = self._websocket.scope.get("subprotocols", [])
            await self._websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
            try:
                async with self._gateway.admission.until_closing(), while_welcome(self._gateway, self._websocket):
                    await self._read()
            except Closing:
                await self._say_where_to_resume()
            except (Unauthenticated, Forbidden) as fault:
                await self._turn_away(fault)
            except (SlowReader, WebSocketDisconnect):
                pass
            finally:
                await self._stop_pumps()

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                await self._websocket.close(1003, "Frames are JSON text.")
                return
            await self._answer(text)
            if self._bad_frames >= MAX_BAD_FRAMES:
                await self._websocket.close(1008, "Too many frames that are not of this protocol.")
                return

    async def _answer(self, text: str) -> None:
        turn_id: UUID | None = None
        try:
            frame = self._parse(text)
            turn_id = frame.turn_id
            await self._handle(frame)
        except RuntimeFault as fault:
            await self._send(turn_id, fault_event(fault, turn_id))

    def _parse(self, text: str) -> QueryFrame | ResumeFrame | CancelFrame:
        """Raises InvalidRequest, and counts it."""
        self._bad_frames += 1
        try:
            frame = FRAMES.validate_python(parse_json(text))
        except ValidationError as exc:
            raise invalid_fields(exc.errors(include_url=False, include_input=False)) from None
        self._bad_frames -= 1
        return frame

    async def _handle(self, frame: QueryFrame | ResumeFrame | CancelFrame) -> None:
        """Each frame is a call of its own: the key is checked again (it may be revoked by now), counted, audited."""
        outer = facts_of(self._websocket)
        facts = RequestFacts(outer.request_id, outer.peer)
        outcome = 200
        try:
            facts.caller = caller = await self._gateway.authentication.caller(self._websocket)
            await limit_request(self._gateway, caller, facts)
            ensure_scope(caller, Scope.INVOKE)
            await self._dispatch(frame, caller, facts)
        except RuntimeFault as fault:
            outcome = fault.status_code
            raise
        finally:
            facts.note(frame=frame.type)
            self._gateway.audit_log.add(audit_entry(self._websocket.scope, facts, outcome), source=facts.peer.source)

    async def _dispatch(
        self, frame: QueryFrame | ResumeFrame | CancelFrame, caller: Caller, facts: RequestFacts
    ) -> None:
        if isinstance(frame, QueryFrame):
            self._ensure_room()
            asker = asker_of(self._gateway, caller, facts.peer)
            run = await begin(self._gateway, caller, turn_request(caller, frame), asker)
            facts.note(turn_id=run.stored_id, conversation_id=run.turn.conversation_id)
            self._start(run, announce=True)
            return
        turn = await visible_turn(self._gateway, caller, frame.turn_id)
        facts.note(turn_id=turn.turn_id)
        if isinstance(frame, CancelFrame):
            await self._gateway.asking.cancel(turn)
        else:
            self._ensure_room()
            run = self._gateway.asking.resumed(turn, after=frame.after, known_as=frame.turn_id)
            self._start(run, announce=False)

    def _ensure_room(self) -> None:
        if len(self._pumps) >= MAX_TURNS_PER_SOCKET:
            raise Conflict(f"A socket streams {MAX_TURNS_PER_SOCKET} turns at once. Wait for one or open another.")

    def _start(self, run: Run, *, announce: bool) -> None:
        before = self._pumps.pop(run.turn_id, None)
        if before is not None:  # the same turn asked for again: one stream of it is enough
            before[1].cancel()
        task = asyncio.create_task(self._pump(run, announce=announce), name="socket-pump")
        self._pumps[run.turn_id] = (run, task)

    async def _pump(self, run: Run, *, announce: bool) -> None:
        try:
            if announce:
                await self._send(run.turn_id, accepted_event(run.turn))
            async with aclosing(self._gateway.asking.events(run)) as events:
                async for event in events:
                    await self._send(run.turn_id, wire_event(event))
            if not run.ended and (end := await self._gateway.asking.end(run)) is not None:
                await self._send(run.turn_id, wire_event(end))  # all was seen: its end is told once more
        except RuntimeFault as fault:
            await self._send(run.turn_id, fault_event(fault, run.turn_id))
        except (SlowReader, WebSocketDisconnect):
            pass  # the reader of this socket ends as well and cleans up
        finally:
            self._gateway.asking.left(run)
            if self._pumps.get(run.turn_id, (None,))[0] is run:
                del self._pumps[run.turn_id]

    async def _send(self, turn_id: UUID | None, event: WireEvent) -> None:
        """Raises SlowReader and WebSocketDisconnect. The server's send waits while its buffer is full."""
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnect
        try:
            async with asyncio.timeout(self._gateway.settings.stream_write_timeout_s) as limit:
                await self._websocket.send_text(socket_frame(turn_id, event))
        except TimeoutError:
            if limit.expired():
                abort(self._websocket.scope)
                raise SlowReader from None
            raise

    async def _say_where_to_resume(self) -> None:
        try:
            for run, task in tuple(self._pumps.values()):
                task.cancel()
                await self._send(run.turn_id, reconnect_event(run.turn_id, run.last_sequence))
            await self._websocket.close(1012, "The server restarts. Connect again and resume by turn_id.")
        except (SlowReader, WebSocketDisconnect):
            return

    async def _turn_away(self, fault: RuntimeFault) -> None:
        """The caller is known no longer. Its turns go on, for whoever may come back to them."""
        await self._stop_pumps()
        try:
            await self._send(None, fault_event(fault, None))
            await self._websocket.close(1008, "The session or key of this socket has ended.")
        except (SlowReader, WebSocketDisconnect):
            return

    async def _stop_pumps(self) -> None:
        tasks = [task for _, task in self._pumps.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
