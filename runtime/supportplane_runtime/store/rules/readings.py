"""What version of the documents an index holds, by how the readings of its knowledge bases went."""

from collections.abc import Mapping, Sequence
from datetime import datetime

Times = tuple[datetime | None, datetime | None]  # when the latest reading ended, and when the latest began


def version_of(names: Sequence[str], readings: Mapping[str, Times]) -> str | None:
    """None when one of the knowledge bases was never read to an end, or is being read."""
    ends = [_settled(readings.get(name, (None, None))) for name in names]
    if not names or None in ends:
        return None
    return ";".join(f"{name}={ended_at}" for name, ended_at in zip(names, ends, strict=True))


def _settled(times: Times) -> str | None:
    ended_at, began_at = times
    is_read = ended_at is None or (began_at is not None and began_at >= ended_at)
    return None if is_read or ended_at is None else ended_at.isoformat()
