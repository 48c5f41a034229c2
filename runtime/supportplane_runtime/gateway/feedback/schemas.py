"""The body of a feedback."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from supportplane_runtime.domain.conversation import Rating
from supportplane_runtime.gateway.schemas import Body, JsonUUID, Text

_EXAMPLE: JsonDict = {"turn_id": "5b0f6f0a-8c39-4a8e-bf57-f1b0d2c3a7de", "rating": "up"}


class FeedbackRequest(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    turn_id: JsonUUID
    rating: Annotated[Rating, Field(strict=False)]
    comment: Text | None = Field(default=None, max_length=4000)
