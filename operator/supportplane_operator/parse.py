"""Stored objects to the contract's models, by what the API server adds taken away. Pure.

The API server checks the same rules, so an object that cannot be parsed was stored under another version of the CRD:
that is told to people in the object's status (``Unusable``) and is no error of the operator.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from supportplane_crds.documents import Document
from supportplane_crds.errors import Problem
from supportplane_crds.objects import KubernetesObject, ObjectMeta
from supportplane_crds.sentences import problems_of
from supportplane_operator.snapshot import Manifest

_METADATA = tuple(ObjectMeta.model_fields)
_MOST_TOLD = 5  # at most five problems in a message; the rest appear once these are corrected
Kind = TypeVar("Kind", bound=KubernetesObject)


class Unusable(Exception):
    """An object that this operator does not understand. sentence: the places first that are newer than the operator.

    is_unknown: it has a field or a word that this operator does not know, so that nobody can say what is meant.
    """

    def __init__(self, raw: Manifest, sentence: str, *, is_unknown: bool) -> None:
        super().__init__(sentence)
        self.raw = raw
        self.sentence = sentence
        self.is_unknown = is_unknown


def parse(model: type[Kind], raw: Manifest) -> Kind:
    """Raises Unusable with one sentence a mistake."""
    metadata = {key: raw["metadata"][key] for key in _METADATA if key in raw["metadata"]}
    values = {"metadata": metadata, "spec": raw.get("spec")}
    try:
        return model.model_validate_json(orjson.dumps(values))
    except ValidationError as error:
        raise _unusable(raw, _problems(error, model, values)) from error


def _problems(error: ValidationError, model: type[Kind], values: dict[str, Any]) -> Iterable[Problem]:
    document = Document(values, {}, ())
    for details in error.errors(include_url=False):
        yield from problems_of(details, model=model, document=document, label="")


def _unusable(raw: Manifest, problems: Iterable[Problem]) -> Unusable:
    ordered = sorted(problems, key=lambda problem: not problem.is_unfamiliar)
    sentence = "; ".join(map(str, ordered[:_MOST_TOLD])) or "the object cannot be read"
    return Unusable(raw, sentence, is_unknown=any(problem.is_unfamiliar for problem in ordered))
