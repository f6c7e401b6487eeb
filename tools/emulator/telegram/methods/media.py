"""Photos, documents and albums a bot sends."""

from __future__ import annotations

from typing import Any

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.files import File
from tools.emulator.telegram.methods.content import caption_content
from tools.emulator.telegram.methods.messages import post
from tools.emulator.telegram.model import Json

MAX_PHOTO = 10 * 1024 * 1024
MAX_DOCUMENT = 50 * 1024 * 1024
KINDS = {"photo": "photos", "document": "documents", "voice": "voice", "video": "videos", "audio": "music"}


@method("sendPhoto")
def send_photo(call: Call) -> Json:
    """A picture: uploaded, by file_id, or by URL."""
    return _send(call, "photo", MAX_PHOTO)


@method("sendDocument")
def send_document(call: Call) -> Json:
    """Any file."""
    return _send(call, "document", MAX_DOCUMENT)


@method("sendVoice")
def send_voice(call: Call) -> Json:
    """A voice message."""
    return _send(call, "voice", MAX_DOCUMENT)


@method("sendVideo")
def send_video(call: Call) -> Json:
    """A video."""
    return _send(call, "video", MAX_DOCUMENT)


@method("sendMediaGroup")
def send_media_group(call: Call) -> list[Json]:
    """Two to ten photos or documents as one album."""
    room, items = call.room(), call.json("media", "media")
    if not isinstance(items, list) or not 2 <= len(items) <= 10:
        raise bad_request("group send failed: expected 2 to 10 items")
    kinds = {item.get("type") for item in items if isinstance(item, dict)}
    if not kinds <= {"photo", "video", "document", "audio"} or ("document" in kinds and len(kinds) > 1):
        raise bad_request("document can't be mixed with other media types")
    group = str(call.telegram.world.new_id())
    prepared = []
    for item in items:
        one = Call(call.telegram, call.bot, item, call.files)
        content = _content(item["type"], _file(call, item["type"], item.get("media"), MAX_DOCUMENT))
        prepared.append(content | caption_content(one) | {"media_group_id": group})
    return [post(call, room, content) for content in prepared]


def _send(call: Call, kind: str, limit: int) -> Json:
    room = call.room()
    content = _content(kind, _file(call, kind, call.parameters.get(kind), limit))
    return post(call, room, content | caption_content(call))


def _file(call: Call, kind: str, value: Any, limit: int) -> File:
    files = call.telegram.world.files
    name = (
        value.removeprefix("attach://") if isinstance(value, str) and value.startswith("attach://") else kind
    )
    upload = call.files.get(name)
    if upload is not None and not (isinstance(value, str) and value and not value.startswith("attach://")):
        if len(upload.content) > limit:
            raise bad_request("file is too big")
        if not upload.content:
            raise bad_request("file must be non-empty")
        return files.add(KINDS[kind], upload.content, upload.mime_type, upload.name)
    if not isinstance(value, str) or not value:
        raise bad_request(f"there is no {kind} in the request")
    if value.startswith(("http://", "https://")):
        return files.add(
            KINDS[kind], None, "image/jpeg" if kind == "photo" else "application/octet-stream", url=value
        )
    file = files.by_id(value)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return file


def _content(kind: str, file: File) -> Json:
    if kind == "photo":
        return {"photo": [file.json(width=128, height=128)]}
    named = {"file_name": file.name} if file.name else {}
    timed = {"duration": 1} if kind in ("voice", "video", "audio") else {}
    return {kind: file.json(mime_type=file.mime_type, **named, **timed)}
