"""Passes files of conversations on to operators. Telegram's address of a file holds the bot's token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable, ServiceUnavailable

from shared.core import db, http, log
from shared.core.errors import TelegramError
from shared.features.messenger.pages.inbox import CONVERSATION
from shared.features.messenger.pages.views import LARGEST_FILE
from shared.web.access import Access
from shared.web.page import PRIVATE, Page, Policy, row_id

if TYPE_CHECKING:
    from shared.core.sql_types import ConversationFile
    from shared.web.visit import Visit

# Only what browsers show without running it; all else is a download.
_SHOWN = {
    "photo": "image/jpeg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "animation": "video/mp4",
    "voice": "audio/ogg",
    "audio": "audio/mpeg",
}
_PASSED_ON = ("content-length", "content-range")
_RANGE = re.compile(r"bytes=(?:[0-9]{1,12}-[0-9]{0,12}|-[0-9]{1,12})")


def show(visit: Visit, number: int, message: int) -> Response:
    """Return the file of a message, or the part that a player asks for.

    Raises:
        NotFound: the message has no file that Telegram still gives.
        ServiceUnavailable: Telegram does not answer now.
    """
    found: ConversationFile | None = db.call(
        "conversation_file", p_actor_id=visit.user.user_id, p_message_id=message
    )
    if found is None or (found["size"] or 0) > LARGEST_FILE:
        raise NotFound
    asked = visit.request.headers.get("Range", "")
    try:
        stream = _open(found, asked if _RANGE.fullmatch(asked) else "")
    except RequestedRangeNotSatisfiable:  # the part begins behind the end
        size = found["size"]
        return Response(status=416, headers={"Content-Range": f"bytes */{size}"} if size else {})
    response = Response(_pieces(stream), stream.status)
    for name in _PASSED_ON:
        if name in stream.headers:
            response.headers[name.title()] = stream.headers[name]
    kind = _SHOWN.get(found["kind"])
    response.content_type = kind or "application/octet-stream"
    if kind is None:
        name = quote(found["name"] or "file", safe="")
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response.headers["Accept-Ranges"] = "bytes"
    return response


def _open(found: ConversationFile, byte_range: str) -> http.Stream:
    from shared.telegram import api  # imports telebot, which most pages do not need

    try:
        file = api.call(found["bot"], "getFile", {"file_id": found["file_id"]})
        return api.open_file(found["bot"], file["file_path"], byte_range)
    except KeyError:  # optional in the Bot API
        raise NotFound from None
    except TelegramError as error:
        if error.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise RequestedRangeNotSatisfiable from None
        log.info("a file was not opened", action="messenger_file_failed", reason=str(error))
        raise (ServiceUnavailable if error.is_temporary else NotFound) from None


def _pieces(stream: http.Stream) -> Iterator[bytes]:
    """Return the content as it arrives; the browser sees by its length that the rest is missing."""
    try:
        while piece := stream.read():
            yield piece
    except http.RequestError as error:
        log.info("a file broke off", action="messenger_file_failed", reason=str(error))
    finally:
        stream.close()


pages = (
    Page(f"{CONVERSATION}/files/{row_id('message')}", show, Policy(cache=PRIVATE), access=Access.OPERATOR),
)
