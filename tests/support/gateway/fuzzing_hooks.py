"""What schemathesis cannot know from the API's document, loaded by it (SCHEMATHESIS_HOOKS): see fuzzing.py.

A secret key speaks for the user that it names, so its questions need `user_id`, which sessions and widgets leave out.
OpenAPI cannot say that a field depends on the credential, so requests that are meant to be right name a user here.
"""

import os
from typing import Any

import schemathesis
from schemathesis.generation import GenerationMode

USER = os.environ.get("FUZZ_USER")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    meant_right = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    asks = case.path in {"/api/v1/query", "/api/v1/query/stream"} and isinstance(case.body, dict)
    if USER and meant_right and asks and case.body.get("user_id") is None:
        case.body = case.body | {"user_id": USER}
