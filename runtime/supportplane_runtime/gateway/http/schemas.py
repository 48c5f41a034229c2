"""Building blocks of request bodies: strict models, and text that the database can hold. Used by the subjects."""

import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from supportplane_runtime.gateway.http.json import is_storable
from supportplane_runtime.store.pages import CURSOR

MAX_PAGE = 100
MAX_AGENT = 63  # a DNS label
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
# Patterns and not code, so that the API's document says what is refused. Half a surrogate pair, which no pattern can
# name, is refused where the JSON is read (json.py).
STORABLE = r"^[^\u0000]*$"
# No control, no line or paragraph separator, nothing that is invisible or turns the direction of what follows.
PRINTABLE = (
    r"^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$"
)
SPOKEN = r"^[^\u0000]*[^\s\u0000-\u001f][^\u0000]*$"  # more than white space


class Body(BaseModel):
    """A request body: unknown keys and wrong types are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("must not hold NUL or half of a surrogate pair")
    return text


def _is_text_of_a_moment(value: object) -> object:
    """Pydantic would take a number for seconds since 1970; the document says RFC 3339."""
    if isinstance(value, str) and not _MOMENT.match(value):
        raise ValueError("must be a moment such as 2026-11-01T00:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_is_text_of_a_moment)]
UserId = Annotated[
    str, Field(min_length=1, max_length=128, pattern=PRINTABLE, examples=["user-42"]), AfterValidator(_storable)
]
Question = Annotated[
    str, Field(min_length=1, max_length=8000, pattern=SPOKEN, examples=["How do I rotate an API key?"])
]
Text = Annotated[str, Field(pattern=STORABLE), AfterValidator(_storable)]
Printable = Annotated[str, Field(pattern=PRINTABLE), AfterValidator(_storable)]
Cursor = Annotated[str, Field(pattern=CURSOR)]
JsonUUID = Annotated[UUID, Field(strict=False)]  # JSON has no UUID type: the text is what there is


class PageQuery(BaseModel):
    """Parameters of a listing. A parameter may be left out, but there is no null in a URL."""

    model_config = ConfigDict(extra="forbid")

    user_id: UserId | SkipJsonSchema[None] = Field(
        default=None, description="only this user's (keys with the scope read)"
    )
    after: Cursor | SkipJsonSchema[None] = Field(default=None, description="the cursor that the previous page named")
    limit: int = Field(default=20, ge=1, le=MAX_PAGE)
    # Read by identity/ and documented as a security scheme (openapi.py); here so that it is a known parameter.
    key: str | None = None
