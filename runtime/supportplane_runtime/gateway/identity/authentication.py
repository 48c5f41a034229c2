"""Who calls: asks each way to identify a caller in turn, and refuses a request that none of them knows.

On for every API route: endpoints ask for a caller through http/callers.py.
"""

from fastapi.requests import HTTPConnection

from supportplane_runtime import metrics
from supportplane_runtime.domain.identity import Caller
from supportplane_runtime.gateway.identity.refusals import refuse
from supportplane_runtime.gateway.identity.ways import Way


class Authentication:
    """ways: in the order in which they are asked. The first that finds credentials of its kind decides."""

    def __init__(self, ways: tuple[Way, ...]) -> None:
        self.ways = ways
        self._how = " ".join(way.how for way in ways if way.how)
        for reason in (reason for way in ways for reason in way.reasons):
            metrics.AUTH_FAILURES.labels(reason)

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Raises Unauthenticated, OriginNotAllowed, StoreUnavailable."""
        for way in self.ways:
            caller = await way.caller(connection)
            if caller is not None:
                break
        else:
            refuse("missing", f"This needs authentication. {self._how}")
        return caller
