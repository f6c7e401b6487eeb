"""Photos, files, sounds, videos, stickers and albums a bot sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.emulator.telegram.attachments import image_size, photo_sizes, thumbnail
from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import ApiError, bad_request
from tools.emulator.telegram.files import File
from tools.emulator.telegram.methods.content import CAPTION, POST, caption_content
from tools.emulator.telegram.methods.messages import post
from tools.emulator.telegram.model import Json

MAX_PHOTO = 10 * 1024 * 1024
MAX_DOCUMENT = 50 * 1024 * 1024
MAX_ALBUM = 10
PHOTO_REFUSALS = ("IMAGE_PROCESS_FAILED", "PHOTO_INVALID_DIMENSIONS")
MAX_SIDES, MAX_RATIO = 10_000, 20  # of a photo: width and height together, one to the other
# TDLib's names of the types of files, by the folder of their paths.
TYPES = {
    "photos": "Photo", "documents": "Document", "voice": "VoiceNote", "music": "Audio", "videos": "Video",
    "animations": "Animation", "video_notes": "VideoNote", "stickers": "Sticker",
}  # fmt: skip
ALBUM_KINDS = ("photo", "video", "document", "audio")


@dataclass(frozen=True)
class Kind:
    """One kind of media: the folder of its files, and which fields of the call stand in the message."""

    folder: str
    mime_type: str = "application/octet-stream"
    numbers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Any], ...] = ()


SIZED = ("duration", "width", "height")
FLAT = (("type", "regular"), ("is_animated", False), ("is_video", False), ("width", 512), ("height", 512))
FILM = (("duration", 1), ("width", 320), ("height", 240))
KINDS = {
    "photo": Kind("photos", "image/jpeg"),
    "document": Kind("documents"),
    "voice": Kind("voice", "audio/ogg", numbers=("duration",), defaults=(("duration", 1),)),
    "audio": Kind(
        "music",
        "audio/mpeg",
        numbers=("duration",),
        words=("performer", "title"),
        defaults=(("duration", 1),),
    ),
    "video": Kind("videos", "video/mp4", numbers=SIZED, defaults=FILM),
    "animation": Kind("animations", "video/mp4", numbers=SIZED, defaults=FILM),
    "video_note": Kind(
        "video_notes",
        "video/mp4",
        numbers=("duration", "length"),
        defaults=(("duration", 1), ("length", 240)),
    ),
    "sticker": Kind("stickers", "image/webp", words=("emoji",), defaults=FLAT),
}


@method("sendPhoto", "chat_id", "photo", "show_caption_above_media", "has_spoiler", *CAPTION, *POST)
def send_photo(call: Call) -> Json:
    """Send a picture: uploaded, by file_id, or by URL."""
    return _send(call, "photo")


@method(
    "sendDocument",
    "chat_id", "document", *CAPTION, *POST,
    note="Takes every file as it is: a picture is not turned into a photo.",
)  # fmt: skip
def send_document(call: Call) -> Json:
    """Send any file."""
    return _send(call, "document")


@method("sendVoice", "chat_id", "voice", "duration", *CAPTION, *POST)
def send_voice(call: Call) -> Json:
    """Send a voice message."""
    return _send(call, "voice")


@method("sendAudio", "chat_id", "audio", "duration", "performer", "title", *CAPTION, *POST)
def send_audio(call: Call) -> Json:
    """Send music."""
    return _send(call, "audio")


@method("sendVideo", "chat_id", "video", "show_caption_above_media", "has_spoiler", *SIZED, *CAPTION, *POST)
def send_video(call: Call) -> Json:
    """Send a video."""
    return _send(call, "video")


@method(
    "sendAnimation",
    "chat_id",
    "animation",
    "show_caption_above_media",
    "has_spoiler",
    *SIZED,
    *CAPTION,
    *POST,
)
def send_animation(call: Call) -> Json:
    """Send a video without sound."""
    return _send(call, "animation")


@method("sendVideoNote", "chat_id", "video_note", "duration", "length", *POST)
def send_video_note(call: Call) -> Json:
    """Send a round video, which has no caption."""
    return _send(call, "video_note")


@method("sendSticker", "chat_id", "sticker", "emoji", *POST)
def send_sticker(call: Call) -> Json:
    """Send a sticker, which has no caption."""
    return _send(call, "sticker")


ALBUM = tuple(name for name in POST if name != "reply_markup")


@method("sendMediaGroup", "chat_id", "media", *ALBUM)
def send_media_group(call: Call) -> list[Json]:
    """Send two to ten photos, videos, files or sounds as one album."""
    room, items = call.room(), call.json("media", "media")
    if items is None:
        raise bad_request('parameter "media" is required')
    if not isinstance(items, list):
        raise bad_request("expected an Array of InputMedia")
    contents = [_album_item(call, item, number) for number, item in enumerate(items, 1)]
    if not contents:
        raise bad_request("there are no messages to send")
    if len(contents) > MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    kinds = {item["type"] for item in items}
    for alone in ("document", "audio"):
        if alone in kinds and len(kinds) > 1:
            raise bad_request(f"{alone} can't be mixed with other media types")
    # One item alone is an ordinary message.
    group = {"media_group_id": str(call.state.new_id())} if len(contents) > 1 else {}
    return [post(call, room, content | group) for content in contents]


@method("editMessageMedia", "chat_id", "message_id", "media", "reply_markup")
def edit_message_media(call: Call) -> Json:
    """Replace the photo, video or file of a message."""
    from tools.emulator.telegram.methods.editing import change, inline_markup, own_message

    room, stored = own_message(call)
    item = call.json("media", "input media")
    if item is None:
        raise bad_request('parameter "media" is required')
    content = _item(call, item, (*ALBUM_KINDS, "animation"))
    if not any(name in stored.data for name in KINDS):
        raise bad_request("there is no media in the message to edit")
    blank = dict.fromkeys([*KINDS, "caption", "caption_entities", "reply_markup"])
    return change(call, room, stored, blank | content | inline_markup(call))


def _album_item(call: Call, item: Any, number: int) -> Json:
    """Return the content of one item; a refusal names its place in the album."""
    try:
        return _item(call, item, ALBUM_KINDS)
    except ApiError as error:
        words = error.description.removeprefix("Bad Request: ")
        if words not in PHOTO_REFUSALS:
            raise
        raise bad_request(f'failed to send message #{number} with the error message "{words}"') from None


def _item(call: Call, item: Any, kinds: tuple[str, ...]) -> Json:
    """Return the content of one InputMedia of these kinds."""
    if not isinstance(item, dict):
        raise bad_request("can't parse InputMedia: expected an Object")
    kind = item.get("type")
    if not isinstance(kind, str):
        raise bad_request("can't parse InputMedia: Can't find field \"type\"")
    one = Call(call.services, call.bot, item, call.files)
    if not item.get("media"):
        raise bad_request("can't parse InputMedia: media not found")
    if kind == "animation" and kind not in kinds:
        raise bad_request("can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup")
    if kind not in kinds:
        raise bad_request(f'can\'t parse InputMedia: type "{kind}" is unsupported')
    return _content(one, kind, _file(one, kind, item["media"])) | caption_content(one)


def _send(call: Call, kind: str) -> Json:
    room = call.room()
    content = _content(call, kind, _file(call, kind, call.raw(kind)))
    return post(call, room, content | (caption_content(call) if call.takes("caption") else {}))


def _file(call: Call, kind: str, value: Any) -> File:
    files = call.state.files
    is_attached = isinstance(value, str) and value.startswith("attach://")
    upload = call.files.get(value.removeprefix("attach://") if is_attached else kind)
    if upload is not None and (is_attached or not isinstance(value, str) or not value):
        _check_upload(kind, upload.content)
        return files.add(KINDS[kind].folder, upload.content, upload.mime_type, upload.name)
    if not isinstance(value, str) or not value:
        raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
    if value.startswith(("http://", "https://")):
        return files.add(KINDS[kind].folder, None, KINDS[kind].mime_type, url=value)
    file = files.by_id(value)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    folder = file.path.partition("/")[0]
    if folder != KINDS[kind].folder:
        raise bad_request(
            f"can't use file of type {TYPES.get(folder, 'Document')} as {TYPES[KINDS[kind].folder]}"
        )
    return file


def _check_upload(kind: str, content: bytes) -> None:
    if len(content) > MAX_DOCUMENT:
        raise ApiError(413, "Request Entity Too Large")
    if not content:
        raise bad_request("file must be non-empty")
    if kind != "photo":
        return
    if len(content) > MAX_PHOTO:
        raise bad_request(
            f"file of size {len(content)} bytes is too big for a photo; the maximum size is 10485760 bytes"
        )
    size = image_size(content)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if sum(size) > MAX_SIDES or max(size) > MAX_RATIO * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def _content(call: Call, kind: str, file: File) -> Json:
    shown = _shown_media(call)
    if kind == "photo":
        return shown | {"photo": _sizes(call, file)}
    known = KINDS[kind]
    given: Json = {name: call.integer(name) for name in known.numbers if call.takes(name)}
    given |= {name: call.text(name) for name in known.words if call.takes(name)}
    about = dict(known.defaults) | {name: value for name, value in given.items() if value}
    if kind not in ("sticker", "video_note"):
        about |= {"mime_type": file.mime_type} | ({"file_name": file.name} if file.name else {})
    if kind == "document" and file.content is not None:
        about |= thumbnail(call.state.files, file.content)
    return shown | {kind: file.json(**about)}


def _sizes(call: Call, file: File) -> list[Json]:
    """Return the sizes of a photo: those it has, or those of a new upload."""
    files = call.state.files
    if known := files.sizes_of(file.file_id):
        return known
    if file.content is None:
        return [file.json(width=128, height=128)]
    return photo_sizes(files, file.content, file.mime_type, file.name)


def _shown_media(call: Call) -> Json:
    names = {"show_caption_above_media": "show_caption_above_media", "has_spoiler": "has_media_spoiler"}
    return {shown: True for name, shown in names.items() if call.takes(name) and call.boolean(name)}
