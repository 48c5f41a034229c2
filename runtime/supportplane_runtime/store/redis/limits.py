"""Rate limits on Redis, shared by all gateways; without Redis each gateway grants its share."""

from collections.abc import Mapping
from typing import Any

from limits.aio.storage import RedisStorage

from supportplane_runtime.errors import CacheUnavailable
from supportplane_runtime.metrics import LIMITS_LOCAL
from supportplane_runtime.store.interfaces.limits import Limit, LimitDecision
from supportplane_runtime.store.rates import WindowCounter, local_counter
from supportplane_runtime.store.redis.allowances import Allowances
from supportplane_runtime.store.redis.link import RedisLink

KEY_PREFIX = "supportplane"


class RedisRateLimiter:
    """A limit shared by all gateways of an agent. Without Redis each grants its share of what Redis has left."""

    def __init__(self, link: RedisLink, limits: Mapping[str, Limit], *, gateways: int = 1) -> None:
        # limits takes a pool here, though its types know only the options of a URL.
        options: dict[str, Any] = {"connection_pool": link.client.connection_pool}
        storage = RedisStorage("redis://", implementation="redispy", key_prefix=f"{KEY_PREFIX}:limits", **options)
        self._link = link
        self._limits = limits
        self._shared = WindowCounter(storage, limits)
        self._gateways = gateways
        self._local = local_counter(limits, gateways=gateways)
        self._allowances = Allowances()

    def share_among(self, gateways: int) -> None:
        """From now on so many gateways share the limits. A new number begins new counts of what is granted here."""
        if gateways != self._gateways:
            self._gateways = gateways
            self._local = local_counter(self._limits, gateways=gateways)

    async def hit(self, tenant: str, subject: str, scope: str) -> LimitDecision:
        asked = (tenant, subject, scope)
        try:
            decision = await self._link.call(lambda: self._shared.hit(*asked))
        except CacheUnavailable:
            if self._link.is_away:
                LIMITS_LOCAL.inc()
            return self._allowances.alone(asked, await self._local.hit(*asked), gateways=self._gateways)
        return self._allowances.told(asked, decision, gateways=self._gateways)
