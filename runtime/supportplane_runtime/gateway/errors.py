"""Faults that only HTTP knows, as branches of the runtime's tree (supportplane_runtime/errors.py).

InvalidRequest
+-- InvalidFields         400    ``errors`` names each field
+-- NotOneHost            400    no Host header, or several (RFC 9112, 3.2)
Forbidden
+-- OriginNotAllowed      403    a browser on a site that may not use this key or session
WrongHost                 421    a Host header that is not ours (DNS rebinding)
UnsupportedMediaType      415    not JSON, or compressed
MethodNotAllowed          405
RateLimited
+-- TooManyStreams        429    more streams at once than a user, key or address may hold
Unavailable
+-- Overloaded            503    too many turns or streams in this process
+-- Draining              503    this process is about to stop
"""

from dataclasses import dataclass

from supportplane_runtime.errors import Forbidden, InvalidRequest, RateLimited, RuntimeFault, Unavailable


@dataclass(frozen=True, slots=True)
class FieldError:
    """``field`` is a dotted path into the body, or the parameter's name."""

    field: str
    message: str


class InvalidFields(InvalidRequest):
    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        first = errors[0]
        super().__init__(f"{first.field}: {first.message}" if first.field else first.message)
        self.errors = errors


class NotOneHost(InvalidRequest):
    """Proxies read such a request in different ways, so nobody may guess."""


class OriginNotAllowed(Forbidden):
    code, title = "origin-not-allowed", "This site may not call here"


class WrongHost(RuntimeFault):
    code, status_code, title = "wrong-host", 421, "Unknown host name"


class UnsupportedMediaType(RuntimeFault):
    code, status_code, title = "unsupported-media-type", 415, "Only uncompressed JSON is read"


class MethodNotAllowed(RuntimeFault):
    code, status_code, title = "method-not-allowed", 405, "Method not allowed"


class TooManyStreams(RateLimited):
    code, title = "too-many-streams", "Too many open streams"


class Overloaded(Unavailable):
    code = "overloaded"


class Draining(Unavailable):
    code = "draining"
