"""The chat page's other side in its tests: the real gateway on the store in memory, served, with scripted turns.

A question's text chooses its script. A script may hold after some tokens until ``turns.go`` is set, so a test looks at
a page in the middle of an answer without waiting for time to pass.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from socket import socket
from typing import Any

from support.eventually import eventually_async
from support.fault_proxy import FaultProxy, proxied
from support.gateway.scripted_gateway import ScriptedTurns, TestGateway, TurnLog, make_gateway
from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import TicketReason
from supportplane_runtime.domain.ending import Ending, OpenTicket
from supportplane_runtime.gateway.server import build_server
from supportplane_runtime.store.interfaces.limits import LimitDecision
from supportplane_runtime.store.memory.store import MemoryStore
from supportplane_runtime.turns.events import Answered, Failed, Progress, Sources, Token

USER = "page-user"


@dataclass(frozen=True)
class Script:
    """hold_after: wait for ``go`` after that many tokens. failure: a code; the turn then ends without an answer."""

    tokens: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    outcome: Outcome = Outcome.ANSWERED
    confidence: float = 0.91
    hold_after: int | None = None
    failure: str | None = None
    steps: tuple[str, ...] = ("understand", "retrieve", "answer", "verify")
    language: str = "en"


def source(marker: int, title: str, url: str, quote: str) -> Source:
    return Source(marker, f"docs/{marker}.md", f"chunk-{marker}", title, url, quote, 0.8, ("Keys", "Rotate"))


ROTATE = Script(
    tokens=(
        "To rotate an API key, create a new key with `supportplane keys create NAME`, ",
        "put it into your application, and revoke the old one with `supportplane keys revoke KEY_ID` [1].\n\n",
        "Both keys work until the old one is revoked [2].",
    ),
    sources=(
        source(
            1,
            "Manage API keys > Rotate an API key",
            "https://docs.example.com/manage-api-keys.html",
            "To rotate an API key, create a new key with `supportplane keys create NAME`, put the new key into your "
            "application, and then revoke the old key with `supportplane keys revoke KEY_ID`.",
        ),
        source(2, "Manage API keys > Revoke an API key", "how-to/manage-api-keys.md", "Both keys work. " * 40),
    ),
)
SHAPES = """# Set up the hub

1. Plug the hub in:
   - use a LAN port
   - on a mesh router, the main unit:
     - it has the modem cable
2. Open the app and choose *Add hub*:
   1. scan the code
   2. type the setup code
3. Wait until the ring turns green. [1]

| Country | Carrier | Days | Price (EUR) | Max weight (kg) |
|---|---|---:|---:|---:|
| Portugal | Seapack with a long name | 6 | 11.20 | 15 |
| Malta | Seapack | 10 | 19.80 | 10 | [2]

:::tip[Static address]
Give the hub a static address.
:::

!!! warning "Firmware downgrade"
    A downgrade erases all scenes.

> [!NOTE]
> The hub supports at most 48 lamps.

> A customer said: it works.

```sh
glowctl hub unpair --all
```
"""
ARABIC = "رسوم التوصيل"
ARABIC_ANSWER = """رسوم التوصيل داخل المدينة 20 ريالًا، وخارجها 35 ريالًا. [1]

1. افتح تطبيق Glow Hub.
2. اختر المدينة:
   - الرياض
   - جدة

| المدينة | السعر |
|---|---|
| الرياض | 20 |

> [!NOTE]
> التوصيل مجاني للطلبات التي تزيد على 300 ريال.

```sh
glowctl hub list
```
"""
HEBREW = "כמה עולה המשלוח?"
SCRIPTS = {
    "shapes": Script(
        tokens=tuple(SHAPES.splitlines(keepends=True)),
        sources=(
            source(1, "Set up the hub", "https://example.com/hub", "3. Wait until the ring turns green."),
            source(2, "Shipping", "docs/shipping.md", "| Malta | Seapack | 10 | 19.80 | 10 |"),
        ),
    ),
    ARABIC: Script(
        tokens=(ARABIC_ANSWER,),
        sources=(source(1, "الشحن والإرجاع", "docs/shipping.md", ARABIC_ANSWER.splitlines()[0]),),
        language="ar",
    ),
    HEBREW: Script(
        tokens=("המשלוח בתוך העיר עולה 20 שקלים. המשלוח חינם בהזמנות מעל 300 שקלים. [1]",),
        sources=(source(1, "משלוחים", "docs/shipping.md", "המשלוח בתוך העיר עולה 20 שקלים."),),
        language="he",
    ),
    "How do I rotate an API key?": ROTATE,
    "hold": replace(ROTATE, hold_after=1),
    "person please": Script(
        tokens=("I have asked a person to help you.",),
        outcome=Outcome.HANDED_OFF,
        confidence=0.12,
        steps=("understand", "handoff"),
    ),
    "break": Script(failure="model-unavailable", steps=("understand",)),
    "attack": Script(
        tokens=("<img src=x onerror=alert(1)> <script>alert(2)</script> [click](javascript:alert`3`) ", "`<b>` [1]"),
        sources=(
            source(1, "<img src=x onerror=alert(4)>", "javascript:alert(5)", "<svg onload=alert(6)> **<i>bold</i>**"),
        ),
    ),
    "markdown": Script(
        tokens=(
            "First:\n\n1. run `make up`\n2. open the page\n\n- one\n- two\n\n```sh\nmake test\n```\n",
            "**Bold**, [a link](https://example.com/x) and [a path](../other.md). Done [1].",
        ),
        sources=(source(1, "Guide", "https://example.com/guide", "Run make up."),),
        confidence=0.62,
    ),
}


class PageTurns(ScriptedTurns):
    """Plays SCRIPTS. ``questions`` lists what was worked on; after ``repaired`` no script fails."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.questions: list[str] = []
        self.repaired = False

    async def _work(self, log: TurnLog) -> None:
        script = SCRIPTS.get(log.turn.question, ROTATE)
        self.questions.append(log.turn.question)
        for step in script.steps:
            log.say(lambda n, step=step: Progress(n, step, f"Detail of {step}."))  # type: ignore[misc]
        if script.failure and not self.repaired:
            await self._fail(log, script.failure)
            return
        for number, piece in enumerate(script.tokens or ROTATE.tokens):
            if script.hold_after == number:
                await self.go.wait()
            log.say(lambda n, text=piece: Token(n, text))  # type: ignore[misc]
        await self._end(log, script if script.tokens else ROTATE)

    async def _fail(self, log: TurnLog, code: str) -> None:
        await self.store.turnbook.fail(log.turn, code)
        detail = "The model server does not answer. It is being restarted."
        log.say(lambda n: Failed(n, log.turn.turn_id, code, detail, retryable=True))

    async def _end(self, log: TurnLog, script: Script) -> None:
        wants_ticket = script.outcome is Outcome.HANDED_OFF
        effects = (OpenTicket(TicketReason.CUSTOMER_REQUEST, log.turn.question),) if wants_ticket else ()
        words = "".join(script.tokens)
        answer = Answer(words, script.outcome, script.confidence, script.sources, language=script.language)
        stored = await self.store.turnbook.finish(log.turn, Ending(answer, effects))
        log.say(lambda n: Sources(n, stored.sources))
        log.say(lambda n: Answered(n, log.turn.turn_id, log.turn.conversation_id, stored))


@dataclass
class PageLimits:
    """Refuses as many requests as there are waits, in seconds, and allows all others."""

    waits: list[int] = field(default_factory=list)

    async def hit(self, tenant: str, subject: str, scope: str) -> LimitDecision:  # noqa: ARG002 - the Protocol's names
        wait_s = self.waits.pop(0) if self.waits else 0
        return LimitDecision(allowed=not wait_s, limit=60, remaining=0, reset_after_s=wait_s or 60, window_s=60)


@dataclass
class PageSite:
    """A served gateway. ``url`` leads through a proxy that can cut connections."""

    gateway: TestGateway
    turns: PageTurns
    limits: PageLimits
    proxy: FaultProxy
    port: int
    _listener: asyncio.Server | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def link(self, *, tenant: str = "acme") -> str:
        """A one-time link of the chat page."""
        return f"{self.url}/#token={await self.gateway.store.sessions.create_link(tenant, USER, ttl_s=60)}"

    async def go_dark(self) -> None:
        """Every connection breaks and new ones are refused."""
        await self.proxy.close()

    async def come_back(self) -> None:
        self._listener = await asyncio.start_server(self.proxy._serve, "127.0.0.1", self.port)

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.close()


@asynccontextmanager
async def page_site(**settings: Any) -> AsyncIterator[PageSite]:
    made: list[PageTurns] = []

    async def scripted(parts: dict[str, Any]) -> None:
        made.append(PageTurns(parts["turns"].store))
        parts["turns"] = made[0]

    limits = PageLimits()
    async with make_gateway(change_parts=scripted, limiter=limits, drain_grace_s=0, **settings) as gateway:
        gateway.turns = made[0]
        listening = socket()
        listening.bind(("127.0.0.1", 0))
        server = build_server(gateway.app, gateway.settings)
        serving = asyncio.create_task(server._serve([listening]))  # serve() would take pytest's signal handlers
        try:
            await eventually_async(lambda: server.started)
            async with proxied("127.0.0.1", listening.getsockname()[1]) as proxy:
                site = PageSite(gateway, made[0], limits, proxy, proxy.port)
                yield site
                await site.close()
        finally:
            await made[0].stop()
            server.should_exit = True
            await serving
