"""Base of the models of the HTTP API's queries and bodies, and field types that several of them share.

A model beside its handler names the fields with their types and descriptions; docs/emulator.md lists them
(`tools.emulator.reference`). A field that the model does not name is refused: it is a typing error.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tools.emulator.telegram.attachments import Attachment
from tools.emulator.telegram.text import units
from tools.validation import sentence

F = TypeVar("F", bound="Fields")
CHAT = "the chat; without a group the private chat with the bot"


class Refused(Exception):
    """The request makes no sense; the message is one sentence for the page."""


class Fields(BaseModel):
    """The fields of a query or a body. null is as good as left out, except for fields in `NULLABLE`."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, allow_inf_nan=False, coerce_numbers_to_str=True
    )
    NULLABLE: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None or name in cls.NULLABLE}


def read(kind: type[F], given: dict[str, Any]) -> F:
    """Return a query or a body as its model; raises Refused, which names the first wrong field."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise Refused(f"{sentence(error, kind).removesuffix('.')}.") from None


def load_json(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError for any other text.

    Half a surrogate pair is refused too: it is no character, so no later response could hold it.
    """
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("the JSON has too many levels") from None
    return value


def text_within(limit: int) -> Callable[[str], str]:
    """Return a validator that strips a text and refuses an empty one or more than `limit` UTF-16 units."""

    def check(text: str) -> str:
        stripped = text.strip()
        if not stripped or units(stripped) > limit:
            raise ValueError(f"A text here has 1 to {limit} characters")
        return stripped

    return check


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _decoded(value: object) -> bytes:
    try:
        content = base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (ValueError, binascii.Error):
        content = None
    if content is None:
        raise ValueError("The file's content must be base64")
    if not content:
        raise ValueError("The file is empty")
    return content


OptionalNumber = Annotated[int | None, BeforeValidator(_none_if_empty)]  # an empty field of a form is none


class NoFields(Fields):
    """A request without fields."""


class ChatFields(Fields):
    """A chat, as one of its users sees it. `user` is an id, a @username or a first name."""

    user: str = Field(description=CHAT)
    bot: str = Field("", description=CHAT)
    group: OptionalNumber = Field(None, description=CHAT)


class FileFields(Fields):
    """A file: what it is called, its MIME type, its bytes in base64."""

    name: str = ""
    type: str = ""
    content: Annotated[bytes, BeforeValidator(_decoded)]

    def attachment(self) -> Attachment:
        """Return the file as users attach it."""
        return Attachment(self.content, self.name, self.type)
