"""The picture, video or file of a message: uploaded, or named by its file_id."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.features.broadcasts.pages import common, editor
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import SaveBroadcastMedia
    from shared.web.visit import Visit

_PHOTO, _FILE = 10_000_000, 20_000_000  # bytes that Telegram takes of a photo, and that we store of a file
_PHOTOS = {"image/jpeg": (b"\xff\xd8\xff",), "image/png": (b"\x89PNG\r\n\x1a\n",)}


class _File(BaseModel):
    file_id: str = Field(default="", max_length=200, pattern=r"^[A-Za-z0-9_\-]*$")
    file_kind: str = Field(default="photo", pattern="^(photo|video|document)$")
    file_bot: str = Field(default="", max_length=64)


def save(visit: Visit, number: int) -> Response:
    """Store a file that was uploaded, or a file_id of a bot."""
    row = common.read_broadcast(visit, number)
    try:
        sent = visit.form(_File)
        media, data = _given(visit, sent)
    except FormError as error:
        faults = {name: visit.text(key) for name, key in error.fields.items()}
        return editor.page(
            visit, row, FormView(editor.fields(row), faults, visit.text("web_error_fields")), 422
        )
    return _stored(visit, number, media, data)


def _given(visit: Visit, sent: _File) -> tuple[JsonObject, str | None]:
    """Return what save_broadcast_media takes.

    Raises:
        FormError: there is no file, or it is too large.
    """
    file = visit.request.files.get("file")
    data = file.read() if file else b""
    if file and data:
        kind = next((mime for mime, begins in _PHOTOS.items() if data.startswith(begins)), "")
        is_video = data[4:8] == b"ftyp"
        if len(data) > (_PHOTO if kind else _FILE):
            raise FormError({"file": "broadcast_file_too_large"})
        name = " ".join((file.filename or "file").replace("\\", "/").rsplit("/", 1)[-1].split())[-100:]
        media = {
            "kind": "photo" if kind else "video" if is_video else "document",
            "name": name or "file",
            "mime_type": kind or ("video/mp4" if is_video else "application/octet-stream"),
        }
        return media, base64.b64encode(data).decode()
    if sent.file_id and sent.file_bot:
        return {
            "kind": sent.file_kind, "name": sent.file_id[:40], "mime_type": "", "file_id": sent.file_id,
            "bot": sent.file_bot,
        }, None  # fmt: skip
    raise FormError({"file": "web_field_missing"})


def remove(visit: Visit, number: int) -> Response:
    """Remove the file."""
    return _stored(visit, number, None, None)


def _stored(visit: Visit, number: int, media: JsonObject | None, data: str | None) -> Response:
    saved: SaveBroadcastMedia = db.call(
        "save_broadcast_media",
        p_actor_id=visit.user.user_id,
        p_broadcast_id=number,
        p_media=media,
        p_content=data,
    )
    if saved["outcome"] == "none":
        raise NotFound
    notice = "broadcast_saved_notice" if saved["outcome"] == "saved" else "broadcast_state_notice"
    return visit.redirect(f"{common.LIST}/{number}", notice)


pages = (
    Page(f"{common.ONE}/media", save, methods=("POST",), max_body=21_000_000, access=Access.ADMIN),
    Page(
        f"{common.ONE}/media/remove",
        remove,
        methods=("POST",),
        max_body=common.SMALL_FORM,
        access=Access.ADMIN,
    ),
)
