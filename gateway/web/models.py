"""The shapes that requests and answers have in common."""

from pydantic import BaseModel, ConfigDict


class RequestBody(BaseModel):
    """A request's JSON object. An unknown field is an error: a mistyped one would be ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    """An answer's JSON object. It may grow fields; clients ignore what they do not know."""

    model_config = ConfigDict(frozen=True)
