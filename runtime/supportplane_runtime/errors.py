"""The runtime's error tree. The type carries the decision; the gateway renders each once as RFC 9457.

RuntimeFault                     code, status_code, retryable
+-- InvalidRequest    400        the caller's input, names the field
+-- Unauthenticated   401
+-- Forbidden         403
+-- NotFound          404        also for another tenant's rows: existence is not told
+-- Conflict          409        the same id with other content, or still in flight
+-- TooLarge          413
+-- RateLimited       429        retry_after_s, scope
+-- Unavailable       503        retryable, retry_after_s
    +-- StoreUnavailable
    +-- CacheUnavailable
    +-- ModelUnavailable
    +-- KnowledgeUnavailable
+-- SchemaMismatch    503        the database was migrated by a newer release; a person has to act
+-- TurnFailed        500        a turn that ended without an answer; its reason is safe to show
    +-- TurnTimedOut      504
    +-- TurnCancelled     409
"""

from collections.abc import Iterator


class RuntimeFault(Exception):
    """Root of all errors a caller may see. ``detail`` is safe to show: no secrets, no message bodies."""

    code: str = "internal"
    status_code: int = 500
    title: str = "Internal error"
    retryable: bool = False

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class InvalidRequest(RuntimeFault):
    code, status_code, title = "invalid-request", 400, "The request is not valid"


class Unauthenticated(RuntimeFault):
    code, status_code, title = "unauthenticated", 401, "Authentication needed"


class Forbidden(RuntimeFault):
    code, status_code, title = "forbidden", 403, "Not allowed"


class NotFound(RuntimeFault):
    code, status_code, title = "not-found", 404, "Not found"


class Conflict(RuntimeFault):
    code, status_code, title = "conflict", 409, "Conflict"


class TooLarge(RuntimeFault):
    code, status_code, title = "too-large", 413, "The request is too large"


class RateLimited(RuntimeFault):
    """scope: the limit that was exceeded, as the agent file names it; RefusedCalls is the gateway's own."""

    code, status_code, title, retryable = "rate-limited", 429, "Too many requests", True

    def __init__(self, detail: str, *, retry_after_s: int | None = None, scope: str | None = None) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.scope = scope


class Unavailable(RuntimeFault):
    code, status_code, title, retryable = "unavailable", 503, "Temporarily unavailable", True

    def __init__(self, detail: str, *, retry_after_s: int | None = 2) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)


class StoreUnavailable(Unavailable):
    code = "store-unavailable"


class CacheUnavailable(Unavailable):
    code = "cache-unavailable"


class ModelUnavailable(Unavailable):
    code = "model-unavailable"


class KnowledgeUnavailable(Unavailable):
    code = "knowledge-unavailable"


class SchemaMismatch(RuntimeFault):
    code, status_code, title = "schema-mismatch", 503, "The database is newer than this release"


class TurnFailed(RuntimeFault):
    code, status_code, title = "turn-failed", 500, "The turn failed"


class TurnTimedOut(TurnFailed):
    code, status_code, title, retryable = "turn-timeout", 504, "The turn took too long", True


class TurnCancelled(TurnFailed):
    code, status_code, title = "turn-cancelled", 409, "The turn was cancelled"


def fault_of(
    code: str,
    detail: str,
    *,
    retry_after_s: int | None = None,
    retryable: bool = RuntimeFault.retryable,
    status_code: int = RuntimeFault.status_code,
    title: str = RuntimeFault.title,
) -> RuntimeFault:
    """The fault that a stored or sent code stands for, typed as it was raised. The general kind wins over the special.

    retryable, status_code, title: of a code that this release does not know; of the others the type decides.
    """
    kind = next((each for each in _kinds(RuntimeFault) if each.code == code), None)
    if kind is not None:
        return kind(detail, retry_after_s=retry_after_s)
    fault = RuntimeFault(detail, retry_after_s=retry_after_s)
    fault.code, fault.retryable, fault.status_code, fault.title = code, retryable, status_code, title
    return fault


def _kinds(of: type[RuntimeFault]) -> Iterator[type[RuntimeFault]]:
    yield of
    for child in of.__subclasses__():
        yield from _kinds(child)
