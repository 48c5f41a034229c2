"""A chat model behind an OpenAI-compatible URL, called through huggingface_hub: llama.cpp, TGI, vLLM.

Built by app/, used by the orchestrator's answer node. It turns messages into text deltas and every way a server
can misbehave (refusing, silent, cut, malformed, endless) into ModelUnavailable within its timeouts. It retries only
until the first token, because afterwards somebody has read it. It must not judge what the text says.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import httpx2
import stamina
import structlog
from huggingface_hub import AsyncInferenceClient
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError, TextGenerationError

from supportplane_runtime import metrics
from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.model.interfaces import ChatMessage, Generation
from supportplane_runtime.model.transport import AiohttpTransport, open_client

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 3
# 429 and 5xx pass; 424 is TGI's "generation failed"; 408 and 425 ask for another try.
TRANSIENT_STATUS: Final = frozenset({408, 424, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. first_token is ModelEndpoint.spec.timeout and covers all attempts up to it."""

    connect_s: float = 3.0
    first_token_s: float = 30.0
    between_tokens_s: float = 10.0
    total_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is. url: with or without /v1."""

    url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    timeouts: Timeouts = Timeouts()


class Dialect(StrEnum):
    """How a server takes a JSON schema and a temperature of 0; told apart by TGI's GET /info."""

    TGI = "tgi"  # response_format {"type": "json", "value": schema}; a temperature must be above 0
    OPENAI = "openai"  # llama.cpp: {"type": "json_object", "schema": schema}


class Misbehaved(ModelUnavailable):
    """An attempt that failed. ``reason`` is the metric's label; ``again`` says whether another try makes sense."""

    def __init__(self, detail: str, *, reason: str, again: bool = True, retry_after_s: int | None = None) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.reason = reason
        self.again = again


class ServedChatModel:
    """ChatModel on a server. Close it: it holds a connection pool."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._transport = AiohttpTransport(connect_timeout_s=endpoint.timeouts.connect_s)
        self._dialect: Dialect | None = None

    @property
    def name(self) -> str:
        return self._endpoint.model

    async def stream(self, messages: Sequence[ChatMessage], generation: Generation) -> AsyncGenerator[str]:
        timeouts = self._endpoint.timeouts
        deadline = asyncio.get_running_loop().time() + timeouts.total_s
        call, text = await self._first(messages, generation)
        try:
            while text is not None:
                yield text
                left_s = deadline - asyncio.get_running_loop().time()
                if left_s <= 0:
                    raise _timed_out("in all")
                text = await _within(call.text(), min(timeouts.between_tokens_s, left_s), "between tokens")
        except Misbehaved as exc:
            _count(exc)
            raise
        finally:
            await call.close()

    async def probe(self) -> None:
        generation = Generation(max_tokens=1, temperature=0.0)
        try:
            call, _ = await self._attempt([ChatMessage("user", "ping")], generation)
        except TimeoutError as exc:
            raise _timed_out("to the first token") from exc
        await call.close()

    async def close(self) -> None:
        await self._transport.close_pool()

    async def _first(self, messages: Sequence[ChatMessage], generation: Generation) -> tuple["_Call", str | None]:
        """The open call and its first text (None: the model had nothing to say); all attempts within first_token_s."""
        limit_s = self._endpoint.timeouts.first_token_s
        try:
            async with asyncio.timeout(limit_s):
                async for attempt in stamina.retry_context(on=_delay, attempts=ATTEMPTS, timeout=limit_s, wait_max=2.0):
                    with attempt:
                        return await self._attempt(messages, generation)
        except TimeoutError as exc:
            timed_out = _timed_out("to the first token")
            _count(timed_out)
            raise timed_out from exc
        except Misbehaved as exc:
            _count(exc)
            raise
        raise AssertionError("the retry loop either returns or raises")

    async def _attempt(self, messages: Sequence[ChatMessage], generation: Generation) -> tuple["_Call", str | None]:
        dialect = await self._known_dialect()
        chosen = {"model": self._endpoint.model, **parameters(generation, dialect)}
        call = await _open(_Client(self._endpoint, self._transport), messages, chosen)
        try:
            return call, await call.text()
        except BaseException:
            await call.close()
            raise

    async def _known_dialect(self) -> Dialect:
        """Asked once and remembered. A server that is away is not remembered as anything."""
        if self._dialect is None:
            self._dialect = await _ask_dialect(self._endpoint, self._transport)
            log.info("model_dialect", model=self._endpoint.model, dialect=self._dialect)
        return self._dialect


def parameters(generation: Generation, dialect: Dialect) -> dict[str, Any]:
    """Keyword arguments of chat_completion."""
    chosen: dict[str, Any] = {"max_tokens": generation.max_tokens, "seed": generation.seed}
    if generation.temperature > 0 or dialect is not Dialect.TGI:
        chosen["temperature"] = generation.temperature  # TGI refuses 0 and is greedy without one
    if generation.schema is not None:
        chosen["response_format"] = response_format(generation.schema, dialect)
    return chosen


def response_format(schema: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The grammar in the server's own form; OpenAI's json_schema is not used, as huggingface_hub rewrites it."""
    if dialect is Dialect.TGI:
        return {"type": "json", "value": schema}
    return {"type": "json_object", "schema": schema}


class _Client(AsyncInferenceClient):
    """huggingface_hub's client on our connection pool."""

    def __init__(self, endpoint: Endpoint, transport: AiohttpTransport) -> None:
        super().__init__(base_url=endpoint.url, api_key="set-by-open-client", provider="hf-inference")
        self._transport = transport
        self._api_key = endpoint.api_key

    async def close(self) -> None:
        await self.exit_stack.aclose()

    async def _get_async_client(self) -> httpx2.AsyncClient:
        if self._async_client is None:
            self._async_client = await self.exit_stack.enter_async_context(open_client(self._transport, self._api_key))
        return self._async_client


class _Call:
    """One streamed completion with a client of its own: closing it frees the socket and the server's slot."""

    def __init__(self, client: _Client, chunks: AsyncGenerator[Any]) -> None:
        self._client = client
        self._chunks = chunks
        self._finished = False

    async def text(self) -> str | None:
        """The next piece of text, or None at an end that the server marked."""
        while True:
            try:
                piece, ended = _piece(await anext(self._chunks))
            except StopAsyncIteration:
                self._check_end()
                return None
            except Exception as exc:
                raise misbehaviour(exc) from exc
            self._finished = self._finished or ended
            if piece:
                return piece

    def _check_end(self) -> None:
        if not self._finished:
            raise Misbehaved("The model's reply was cut off before its end", reason="cut")

    async def close(self) -> None:
        await self._chunks.aclose()
        await self._client.close()


async def _open(client: _Client, messages: Sequence[ChatMessage], chosen: dict[str, Any]) -> _Call:
    sent: list[Any] = [{"role": message.role, "content": message.content} for message in messages]
    try:
        chunks: Any = await client.chat_completion(sent, stream=True, **chosen)
    except BaseException as exc:
        await client.close()
        if isinstance(exc, Exception):
            raise misbehaviour(exc) from exc
        raise
    return _Call(client, chunks)


def _piece(chunk: Any) -> tuple[str, bool]:
    """Text and whether the server marked the end. A chunk without choices carries usage only."""
    choices = chunk.choices or []
    if not choices:
        return "", False
    return choices[0].delta.content or "", choices[0].finish_reason is not None


def misbehaviour(exc: Exception) -> Misbehaved:
    """What a failed call means. Anything that is not a transport or protocol fault is our bug and is re-raised."""
    if isinstance(exc, HfHubHTTPError):
        return _refusal(exc)
    if isinstance(exc, InferenceTimeoutError | httpx2.ConnectError | httpx2.ConnectTimeout):
        return Misbehaved("The model server cannot be reached", reason="connect")
    if isinstance(exc, TextGenerationError):
        return Misbehaved("The model server reported an error while generating", reason="server-error")
    if isinstance(exc, httpx2.HTTPError):
        return Misbehaved("The connection to the model server broke", reason="cut")
    if isinstance(exc, ValueError | TypeError | AttributeError | KeyError | IndexError):
        return Misbehaved("The model server sent something that is not a completion", reason="malformed")
    raise exc


def _refusal(exc: HfHubHTTPError) -> Misbehaved:
    status = exc.response.status_code
    again = status in TRANSIENT_STATUS
    retry_after = exc.response.headers.get("retry-after", "")
    wait_s = min(int(retry_after), 30) if retry_after.isdigit() else None
    reason = "overloaded" if status == 429 else "server-error" if status >= 500 else "refused"
    return Misbehaved(f"The model server answered {status}", reason=reason, again=again, retry_after_s=wait_s)


def _delay(exc: Exception) -> bool | float:
    """Answers stamina after a failed attempt: again, and after how many seconds if the server said so."""
    if not isinstance(exc, Misbehaved) or not exc.again:
        return False
    return float(exc.retry_after_s) if exc.retry_after_s is not None else True


async def _within(piece: Awaitable[str | None], limit_s: float, phase: str) -> str | None:
    try:
        async with asyncio.timeout(limit_s):
            return await piece
    except TimeoutError as exc:
        raise _timed_out(phase) from exc


def _timed_out(phase: str) -> Misbehaved:
    return Misbehaved(f"The model server took too long {phase}", reason="timeout")


def _count(exc: Misbehaved) -> None:
    metrics.MODEL_FAILURES.labels(reason=exc.reason).inc()
    log.warning("model_failed", reason=exc.reason, detail=exc.detail)


async def _ask_dialect(endpoint: Endpoint, transport: AiohttpTransport) -> Dialect:
    """TGI answers /info with its model and router; the others do not have it."""
    root = endpoint.url.rstrip("/").removesuffix("/v1")
    client = _Client(endpoint, transport)
    try:
        info: Any = await client.get_endpoint_info(model=root)
    except HfHubHTTPError as exc:
        if exc.response.status_code in TRANSIENT_STATUS:
            raise _refusal(exc) from exc
        return Dialect.OPENAI
    except ValueError:
        return Dialect.OPENAI  # a page that is not JSON
    except Exception as exc:
        raise misbehaviour(exc) from exc
    finally:
        await client.close()
    return Dialect.TGI if isinstance(info, dict) and "model_id" in info else Dialect.OPENAI
