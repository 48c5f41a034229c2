"""Refuses a caller, and counts the refusal by its reason. Used by everything that looks at credentials."""

from typing import NoReturn

from supportplane_runtime import metrics
from supportplane_runtime.errors import Unauthenticated
from supportplane_runtime.gateway.errors import OriginNotAllowed


def refuse(reason: str, detail: str) -> NoReturn:
    metrics.AUTH_FAILURES.labels(reason).inc()
    raise Unauthenticated(detail)


def refuse_origin(detail: str) -> NoReturn:
    metrics.AUTH_FAILURES.labels("origin").inc()
    raise OriginNotAllowed(detail)
