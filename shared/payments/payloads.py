"""Base class and field types of the pydantic models that document what providers send.

Modules named `payloads` import pydantic, which takes a tenth of a second: code imports them inside the
functions that parse. A field that decides about money is required and strict, so a wrong type raises
InvalidPayload. A field that only describes is None or empty when it does not have the documented form.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from shared.payments import parsing
from shared.payments.provider import InvalidPayload

M = TypeVar("M", bound="Payload")


class Payload(BaseModel):
    """An object that a provider sends. Unknown fields are ignored: providers add new ones without notice."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def parse(model: type[M], content: object) -> M:
    """Return `content` as a model.

    Raises:
        InvalidPayload: the message has the path of the first wrong field and what it should be, but no value.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(map(str, first["loc"])) or "the body"
        raise InvalidPayload(f"{path}: {first['msg']}") from None


def parse_json(model: type[M], body: bytes) -> M:
    """Return a JSON body as a model; see `parse`."""
    return parse(model, parsing.json_object(body))


def _number_as_text(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _object_or_none(value: object) -> object:
    return value if isinstance(value, dict) else None


# Decide about money: a wrong type is an error.
RequiredText = Annotated[str, BeforeValidator(parsing.text), StringConstraints(min_length=1)]
RequiredIdentifier = Annotated[str, BeforeValidator(parsing.identifier)]
Amount = Annotated[Decimal, BeforeValidator(parsing.decimal)]  # decimal text: "149.00"
AmountOrNumber = Annotated[Decimal, BeforeValidator(lambda value: parsing.decimal(_number_as_text(value)))]
Currency = Annotated[str, BeforeValidator(parsing.currency)]
# Describe: anything else than the documented form is None or empty.
Text = Annotated[str, BeforeValidator(parsing.text)]
Identifier = Annotated[str | None, BeforeValidator(parsing.identifier)]
OptionalAmount = Annotated[Decimal | None, BeforeValidator(parsing.decimal)]
OptionalCurrency = Annotated[str | None, BeforeValidator(parsing.currency)]
Number = Annotated[int | None, BeforeValidator(parsing.order_number)]  # of our order, or a Telegram id
Timestamp = Annotated[datetime | None, BeforeValidator(parsing.timestamp)]  # ISO 8601 with zone, or Unix time
UtcTimestamp = Annotated[datetime | None, BeforeValidator(lambda value: parsing.timestamp(value, UTC))]
IsTrue = Annotated[bool, BeforeValidator(lambda value: value is True)]
# In front of a model: anything but an object is None.
ObjectOrNone = BeforeValidator(_object_or_none)
# In front of a list of models: anything but objects in a list is left out.
ObjectList = BeforeValidator(parsing.get_list)
