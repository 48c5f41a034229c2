"""Reads the JSON lines of a file into rows of one model; called by dataset.py, claims.py and judged.py.

A line that cannot be used is an error that names file and line: a figure over silently fewer rows would be a wrong one.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from supportplane_runtime.errors import InvalidRequest

RowT = TypeVar("RowT", bound=BaseModel)


def rows(path: Path, model: type[RowT]) -> Iterator[RowT]:
    """Raises InvalidRequest for a file that is not there, is not text, or has a line that cannot be used."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as problem:
        raise InvalidRequest(f"{path} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise InvalidRequest(f"{path} is not text in UTF-8.") from problem
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield model.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            raise InvalidRequest(f"{path}:{number}: {where}: {first['msg']}.") from None


def fingerprint(contents: Iterable[str]) -> str:
    """Tells whether two runs measured the same rows."""
    digest = hashlib.sha256()
    for each in contents:
        digest.update(each.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:16]
