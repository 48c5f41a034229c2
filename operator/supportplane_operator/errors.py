"""The operator's error tree. The type carries the decision: where the fault is handled, and when to try again.

OperatorFault                    delay_s
+-- Misconfigured                a wrong setting: the process ends with a sentence, nothing is retried
+-- NotLeading                   another replica holds the Lease; nothing was written
+-- ClusterUnavailable           the API server is away or overloaded; again after a moment
+-- WriteConflict                the object changed between reading and writing; again at once
+-- WriteRefused                 the API server said no (validation, quota, permission); told in the status, again later
+-- RuntimeSilent                an agent's status endpoint gave no usable answer; ``runtime_status`` keeps the reason
"""


class OperatorFault(Exception):
    """Root of what the operator raises. Holds no secrets.

    delay_s: how long ``work`` waits at least before it reconciles the object again.
    """

    delay_s: float = 5  # a guess: longer than an API server's restart of one connection, shorter than a person waits


class Misconfigured(OperatorFault):
    pass


class NotLeading(OperatorFault):
    pass


class ClusterUnavailable(OperatorFault):
    pass


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
    pass
