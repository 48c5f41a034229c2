"""The operator's error tree. The type carries the decision: whether it is worth another try, and after how long.

OperatorFault                    retryable, delay_s
+-- Misconfigured                a wrong setting: the process ends with a sentence, nothing is retried
+-- NotLeading                   another replica holds the Lease; nothing was written
+-- ClusterUnavailable           the API server is away or overloaded; again after a moment
+-- WriteConflict                the object changed between reading and writing; again at once
+-- WriteRefused                 the API server said no (validation, quota, permission); told in the status, again later
+-- RuntimeSilent                an agent's status endpoint gave no usable answer; a condition becomes Unknown
"""


class OperatorFault(Exception):
    """Root of what the operator raises. ``main`` maps it once to what kopf does with a key. Holds no secrets."""

    retryable: bool = True
    delay_s: float = 5  # a guess: longer than an API server's restart of one connection, shorter than a person waits


class Misconfigured(OperatorFault):
    retryable = False


class NotLeading(OperatorFault):
    retryable = False


class ClusterUnavailable(OperatorFault):
    delay_s = 5


class WriteConflict(OperatorFault):
    delay_s = 0


class WriteRefused(OperatorFault):
    """kind, name: the object that could not be written."""

    delay_s = 30  # a person has to act in most cases; half a minute is how long `why` may be behind

    def __init__(self, reason: str, *, kind: str, name: str) -> None:
        super().__init__(f"{kind}/{name}: {reason}")
        self.kind = kind
        self.name = name
        self.reason = reason


class RuntimeSilent(OperatorFault):
    delay_s = 10
