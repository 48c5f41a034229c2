"""Secrets that all processes of an agent share, in memory."""

from supportplane_runtime.store.credentials import mint_token


class MemorySharedSecrets:
    def __init__(self) -> None:
        self._values: dict[tuple[str, str], str] = {}

    async def secret(self, tenant: str, name: str, *, offer: str | None = None) -> str:
        return self._values.setdefault((tenant, name), offer or mint_token())
