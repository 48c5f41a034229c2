"""Stored objects to the contract's models, by what the API server adds taken away. Pure.

The API server checks the same rules, so an object that cannot be parsed was stored under another version of the CRD:
that is told to people in the object's status (``Unusable``) and is no error of the operator.
"""

from typing import TypeVar

import orjson
from pydantic import ValidationError

from supportplane_crds.objects import KubernetesObject, ObjectMeta
from supportplane_operator.snapshot import Manifest

_METADATA = tuple(ObjectMeta.model_fields)
Kind = TypeVar("Kind", bound=KubernetesObject)


class Unusable(Exception):
    """An object that this operator does not understand. is_unknown: it has a field that is newer than the operator."""

    def __init__(self, raw: Manifest, sentence: str, *, is_unknown: bool) -> None:
        super().__init__(sentence)
        self.raw = raw
        self.sentence = sentence
        self.is_unknown = is_unknown


def parse(model: type[Kind], raw: Manifest) -> Kind:
    """Raises Unusable with one sentence a mistake."""
    metadata = {key: raw["metadata"][key] for key in _METADATA if key in raw["metadata"]}
    try:
        return model.model_validate_json(orjson.dumps({"metadata": metadata, "spec": raw.get("spec")}))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        sentences = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems[:5])
        is_unknown = any(each["type"] == "extra_forbidden" for each in problems)
        raise Unusable(raw, sentences, is_unknown=is_unknown) from error
