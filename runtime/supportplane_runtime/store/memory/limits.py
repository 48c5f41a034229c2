"""Rate limits in memory: of one process."""

from collections.abc import Mapping

from supportplane_runtime.store.interfaces.limits import Limit
from supportplane_runtime.store.rates import WindowCounter, local_counter


def memory_rate_limiter(limits: Mapping[str, Limit]) -> WindowCounter:
    return local_counter(limits)
