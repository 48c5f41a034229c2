"""Shows one turn: on a terminal as it happens, elsewhere only what came of it, or the reply as JSON."""

import sys
from typing import Any, Protocol

from supportplane_cli.client.api import AgentEvent
from supportplane_cli.client.shapes import Shaper
from supportplane_cli.console import emit_line, say, terminal, visible

OUTCOMES = {
    "handed_off": "A person takes over; the ticket is {ticket_id}.",
    "asked_back": "The agent asks back.",
    "declined": "The agent declined: the question is outside what it answers.",
}


class Renderer(Protocol):
    def show(self, event: AgentEvent) -> None: ...


class JsonRenderer:
    """The reply of POST /api/v1/query, as it is."""

    def show(self, event: AgentEvent) -> None:
        if event.name == "final":
            emit_line(event.data)


class PlainRenderer:
    """The whole answer at once: what a script or a file wants."""

    def show(self, event: AgentEvent) -> None:
        if event.name == "final":
            say(event.data["response"])
            for line in epilogue(event.data):
                say(line)


class LiveRenderer:
    """Progress on one line that vanishes, the words as they come, then sources and confidence."""

    def __init__(self) -> None:
        from rich.text import Text

        self._plain = Text  # a plain str would be read as markup
        self._console = terminal()
        self._status = self._console.status("asking")
        self._status.start()
        self._written = False
        self._shaper = Shaper()

    def show(self, event: AgentEvent) -> None:
        match event.name:
            case "progress":
                self._status.update(self._plain(visible(str(event.data.get("detail") or event.data.get("step", "")))))
            case "reconnecting":
                self._status.start()
                self._status.update("the connection was lost; connecting again")
            case "token":
                self._status.stop()
                self._written = True
                self._console.print(self._shaper.take(visible(event.data["text"])), end="", markup=False)
            case "final":
                self._finish(event.data)
            case _:
                pass

    def close(self) -> None:
        self._status.stop()

    def _finish(self, reply: dict[str, Any]) -> None:
        self._status.stop()
        whole = "" if self._written else self._shaper.take(visible(reply["response"]))
        self._console.print(whole + self._shaper.rest(), markup=False)
        for line in epilogue(reply):
            self._console.print(visible(line), style="dim", markup=False)


def epilogue(reply: dict[str, Any]) -> list[str]:
    """What stands below the answer."""
    lines = [_source_line(source) for source in reply.get("sources") or ()]
    outcome = OUTCOMES.get(str(reply.get("outcome")), "").format(ticket_id=reply.get("ticket_id"))
    facts = [f"confidence {float(reply.get('confidence') or 0):.0%}", outcome]
    return ["", *lines, "  ".join(fact for fact in facts if fact)]


def _source_line(source: dict[str, Any]) -> str:
    place = " > ".join([source["title"], *source.get("headings", ())])
    return f"[{source['marker']}] {place}  {source['url']}"


def make_renderer(*, as_json: bool) -> Renderer:
    if as_json:
        return JsonRenderer()
    return LiveRenderer() if sys.stdout.isatty() else PlainRenderer()
