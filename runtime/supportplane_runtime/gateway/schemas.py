"""Building blocks of request bodies: strict models, and text that the database can hold. Used by the subjects."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from supportplane_runtime.gateway.strict_json import is_storable

MAX_PAGE = 100
PUBLISHABLE = "^pk_[A-Za-z0-9_-]{8,200}$"


class Body(BaseModel):
    """A request body: unknown keys and wrong types are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable text")
    return text


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("must not hold NUL or half of a surrogate pair")
    return text


def _spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


UserId = Annotated[str, Field(min_length=1, max_length=128, examples=["user-42"]), AfterValidator(_printable)]
Question = Annotated[
    str, Field(min_length=1, max_length=8000, examples=["How do I rotate an API key?"]), AfterValidator(_spoken)
]
Text = Annotated[str, AfterValidator(_storable)]
Printable = Annotated[str, AfterValidator(_printable)]
JsonUUID = Annotated[UUID, Field(strict=False)]  # JSON has no UUID type: the text is what there is


class PageQuery(BaseModel):
    """Parameters of a listing."""

    model_config = ConfigDict(extra="forbid")

    user_id: UserId | None = Field(default=None, description="only this user's (keys with the scope read)")
    after: Printable | None = Field(default=None, max_length=200, description="the cursor that the previous page named")
    limit: int = Field(default=20, ge=1, le=MAX_PAGE)
    # Read by authentication.py and documented as a security scheme; here only so that it is not an unknown parameter.
    key: str | None = Query(default=None, pattern=PUBLISHABLE, include_in_schema=False)
