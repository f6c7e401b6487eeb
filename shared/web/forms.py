"""Reads forms and JSON into pydantic models. `Reference` and `RowId` are fields that many forms have."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import orjson
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from shared.core import texts
from shared.core.db import without_nul

if TYPE_CHECKING:
    from flask import Request

Model = TypeVar("Model", bound=BaseModel)
# Makes a form that is sent twice act once; each page has a new one (new_reference).
Reference: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{22}$")]
RowId: TypeAlias = Annotated[int, Field(ge=1, lt=2**63)]

_KEYS = {
    "missing": "web_field_missing",
    "string_too_short": "web_field_missing",
    "string_too_long": "web_field_too_long",
}


class FormError(UnprocessableEntity):
    """Fields of a form are wrong.

    Attributes:
        fields: the key of a text for each field that is wrong; "" stands for the form as a whole.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("web_error_fields")
        self.fields = fields


@dataclass(frozen=True)
class FormView:
    """A form as templates show it.

    Attributes:
        values: what its fields hold, by name.
        faults: what is wrong with fields, as texts.
        failure: why it was not accepted as a whole; empty where that is not so.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""


def new_reference() -> str:
    """Return a new reference for a form, 128 random bits."""
    return secrets.token_urlsafe(16)


def typed(value: str) -> str:
    """Return a field as the user typed it, without NUL.

    A form has CR and LF for each line break, which the browser counts as one character of `maxlength`.
    """
    return value.replace("\0", "").replace("\r\n", "\n")


def read(request: Request, model: type[Model]) -> Model:
    """Return the body of a request, a form or JSON, as a model.

    Raises:
        BadRequest: the body is no JSON, or nested too deeply.
        FormError: a field is missing, or its value is not allowed. A ValueError of a validator may name the
            key of a text.
        UnsupportedMediaType: the body is neither.
    """
    try:
        if request.mimetype == "application/json":
            return model.model_validate(_json(request))
        if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
            return model.model_validate(
                {name.replace("\0", ""): typed(value) for name, value in request.form.items()}
            )
    except ValidationError as error:
        raise FormError({_field(one["loc"]): _key(one) for one in error.errors(include_url=False)}) from None
    raise UnsupportedMediaType


def _json(request: Request) -> object:
    """Return the decoded JSON of a request without NUL."""
    try:
        return without_nul(orjson.loads(request.get_data()))
    except (orjson.JSONDecodeError, RecursionError):
        raise BadRequest from None


def _field(location: tuple[int | str, ...]) -> str:
    return str(location[0]) if location else ""


def _key(error: Mapping[str, object]) -> str:
    reason = str(error["ctx"]["error"]) if error["type"] == "value_error" else ""  # type: ignore[index]
    if reason and texts.has("en", reason):
        return reason
    return _KEYS.get(str(error["type"]), "web_field_wrong")
