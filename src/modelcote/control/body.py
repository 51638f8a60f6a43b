"""JSON bodies: read as strictly as the gateway reads them, then validated by a pydantic model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, ValidationError

from modelcote.core.errors import Invalid, PayloadTooLarge
from modelcote.core.http_rules import media_type
from modelcote.core.strict_json import loads
from modelcote.core.texts import shortened

BODY_LIMIT = 1024 * 1024  # Bytes; a spec with long processors has a few thousand.
Body = TypeVar("Body", bound=BaseModel)


class Strict(BaseModel):
    """A request body: no unknown member, no type conversion."""

    model_config = ConfigDict(extra="forbid", strict=True)


async def _read_json(request: Request) -> Any:
    """Return the body's JSON value; a missing Content-Type means JSON. Raise 400, 413 and 415."""
    media_type(request.headers)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise PayloadTooLarge(f"the body is larger than {BODY_LIMIT:,} bytes.", "Send a smaller one.")
    return loads(bytes(body))


@dataclass(frozen=True)
class JsonBody(Generic[Body]):
    """A dependency that returns the body as `model`; an empty body means `{}` where it is optional.

    Raises `Invalid` with the first field that is wrong.
    """

    model: type[Body]
    optional: bool = False

    async def __call__(self, request: Request) -> Body:
        empty = self.optional and request.headers.get("content-length", "0") == "0"
        value = {} if empty else await _read_json(request)
        try:
            return self.model.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "the body"
            raise Invalid(
                f"{shortened(ascii(field)[1:-1], 80)}: {first['msg']}.", "See /openapi.json.", field=field[:80]
            ) from error


if TYPE_CHECKING:
    Json = Annotated[Body, JsonBody]
else:

    class Json:
        """The type of a route's parameter that is read from the body: `body: Json[CreateKey]`."""

        def __class_getitem__(cls, model: type[BaseModel]) -> object:
            return Annotated[model, Depends(JsonBody(model))]
