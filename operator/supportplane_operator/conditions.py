"""Verdicts to the status of an object: conditions that keep their time, numbers, and what deserves an event.

``checks`` makes the verdicts, ``apply`` writes what comes out. Pure: the time is handed in.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found. ok: None is Unknown. type: of the condition. message: names the object and the way out."""

    ok: bool | None
    type: str
    reason: str
    message: str
