"""Pydantic's errors as problems that a person understands: path, line, sentence, allowed values, what was meant.

``load.py`` calls this with the model and the document that failed. It reads the model to know what is allowed; the
sentences of rules come from the rules.
"""

import difflib
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from supportplane_crds.documents import Document, render_path
from supportplane_crds.documents import Path as ValuePath
from supportplane_crds.errors import Problem
from supportplane_crds.lists import DUPLICATE_ENTRY
from supportplane_crds.rules import RULE_BROKEN

# By pydantic's error type; {ge}, {le}, {min_length}, {max_length} are its bounds.
_SENTENCES = {
    "string_type": "must be text; write a number in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list, each entry beginning with '- '",
    "model_type": "must be a mapping of fields",
    "dict_type": "must be a mapping of names to text",
    "missing": "is required",
    "extra_forbidden": "unknown field",
    "enum": "unknown value {value}",
    "literal_error": "unknown value {value}",
    "greater_than_equal": "must be at least {ge}, not {value}",
    "less_than_equal": "must be at most {le}, not {value}",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters long, not {size}",
    "too_short": "must have at least {min_length} entry",
    "too_long": "must have at most {max_length}, not {size} entries",
}


def problems_of(error: ErrorDetails, *, model: type[BaseModel], document: Document, label: str) -> list[Problem]:
    """One problem a broken rule, else one an error."""
    loc: ValuePath = error["loc"]
    if error["type"] == DUPLICATE_ENTRY:
        loc = (*loc, error["ctx"]["index"])
    position = document.position(loc)
    allowed = allowed_at(model, loc, error["type"])
    return [
        Problem(
            message,
            path=render_path(loc),
            line=position.line,
            column=position.column,
            document=label,
            allowed=allowed,
            suggestion=nearest(_wrong_word(error), allowed),
        )
        for message in _messages(error)
    ]


def _messages(error: ErrorDetails) -> list[str]:
    if error["type"] == RULE_BROKEN:
        return list(error["ctx"]["messages"])
    if error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]:
        return []  # enough entries were written; those that are wrong are reported themselves
    sentence = _SENTENCES.get(error["type"])
    if sentence is None:
        return [error["msg"]]
    value = error["input"]
    size = len(value) if isinstance(value, (str, list, dict)) else 0
    return [sentence.format(value=value, size=size, **error.get("ctx", {}))]


def _wrong_word(error: ErrorDetails) -> str:
    word = error["loc"][-1] if error["type"] == "extra_forbidden" else error["input"]
    return word if isinstance(word, str) else ""


def nearest(word: str, allowed: tuple[str, ...]) -> str | None:
    """The allowed word that was probably meant: case is ignored, a few letters may differ."""
    by_lower = {candidate.lower(): candidate for candidate in allowed}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def allowed_at(model: type[BaseModel], loc: ValuePath, error_type: str) -> tuple[str, ...]:
    """The words that could stand at a place: fields of an object, values of an enumeration; else nothing."""
    if error_type == "extra_forbidden":
        parent = _type_at(model, loc[:-1])
        return field_names(parent) if _is_model(parent) else ()
    if error_type not in {"enum", "literal_error"}:
        return ()
    found = _type_at(model, loc)
    if get_origin(found) is Literal:
        return tuple(str(word) for word in get_args(found))
    return tuple(str(member.value) for member in found) if isinstance(found, type) and issubclass(found, Enum) else ()


def field_names(model: type[BaseModel]) -> tuple[str, ...]:
    """As in YAML."""
    return tuple(info.alias or name for name, info in model.model_fields.items())


def _type_at(model: type[BaseModel], loc: ValuePath) -> Any:
    """The declared type of a place, without Optional and annotations; None where the contract has no such place."""
    found: Any = model
    for step in loc:
        if isinstance(step, int):
            found = _bare(get_args(found)[0]) if get_args(found) else None
        elif _is_model(found):
            found = next((_bare(i.annotation) for n, i in found.model_fields.items() if step in {i.alias, n}), None)
        else:
            return None
    return found


def _bare(annotation: Any) -> Any:
    """X of Annotated[X, ...] and of X | None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return _bare(next(part for part in get_args(annotation) if part is not NoneType))
    return annotation


def _is_model(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)
