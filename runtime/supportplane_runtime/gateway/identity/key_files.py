"""Keeps the API keys of a directory valid: a file a key, named as the key. On a cluster it is a mounted Secret.

The first look is the whole truth: keys that came from a file once and have none now are revoked. After that only
changes are applied, because two pods may see a new Secret a minute apart, and the one that lags must not take back what
the other has added. Content never reaches a log. Started by app.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from supportplane_runtime.chores import every
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.errors import Conflict, InvalidRequest
from supportplane_runtime.store.credentials import digest
from supportplane_runtime.store.interfaces.keys import Keys

log = structlog.get_logger(__name__)

PERIOD_S = 30.0
MAX_BYTES = 1024  # a key has 67 characters
SCOPES = frozenset({Scope.INVOKE})  # what an application needs, and what `supportplane keys create` gives by default


@dataclass(frozen=True, slots=True)
class _Known:
    """A file as it was applied. key_id None: it holds no key that could be."""

    digest: bytes
    key_id: str | None


class KeyFiles:
    """Use as an async context manager; it looks at once, then every 30 s."""

    def __init__(self, folder: Path, keys: Keys, *, tenant: str, agent: str, period_s: float = PERIOD_S) -> None:
        self._folder = folder
        self._keys = keys
        self._tenant = tenant
        self._agent = agent
        self._period_s = period_s
        self._known: dict[str, _Known] = {}
        self._has_looked = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(every(self._period_s, self.sync, name="key-files"), name="key-files")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def sync(self) -> None:
        """Apply what has changed since the last time. Raises StoreUnavailable; what was not applied is tried again."""
        found = await asyncio.to_thread(_read, self._folder)
        if found is None:
            log.warning("api_keys_dir_unreadable", folder=str(self._folder))
            return
        for name, plain in found.items():
            if name not in self._known or self._known[name].digest != digest(plain):
                await self._take(name, plain)
        for name in self._known.keys() - found.keys():
            await self._drop(name)
        if not self._has_looked:
            await self._revoke_others()
            self._has_looked = True

    async def _take(self, name: str, plain: str) -> None:
        key_id = None
        try:
            key_id = (await self._keys.adopt(self._tenant, name, plain, scopes=SCOPES, agent=self._agent)).key_id
            log.info("api_key_adopted", file=name, key_id=key_id)
        except (InvalidRequest, Conflict) as fault:
            log.warning("api_key_file_refused", file=name, code=fault.code, detail=fault.detail)
        before, self._known[name] = self._known.get(name), _Known(digest(plain), key_id)
        if before is not None:
            await self._revoke(before, name)

    async def _drop(self, name: str) -> None:
        await self._revoke(self._known[name], name)
        del self._known[name]

    async def _revoke(self, known: _Known, name: str) -> None:
        """Unless another file holds the same key."""
        held = {each.key_id for other, each in self._known.items() if other != name or each is not known}
        if known.key_id is not None and known.key_id not in held:
            await self._keys.revoke(self._tenant, known.key_id)
            log.info("api_key_revoked", file=name, key_id=known.key_id)

    async def _revoke_others(self) -> None:
        held = {each.key_id for each in self._known.values()}
        for key in await self._keys.listing(self._tenant):
            if key.agent == self._agent and key.revoked_at is None and key.key_id not in held:
                await self._keys.revoke(self._tenant, key.key_id)
                log.info("api_key_revoked", file=key.name, key_id=key.key_id)


def _read(folder: Path) -> dict[str, str] | None:
    """Files by name, without those that the kubelet makes for itself; None when the folder cannot be read."""
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
        return {path.name: _text(path) for path in files}
    except OSError:
        return None


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES).decode(errors="replace").strip()
