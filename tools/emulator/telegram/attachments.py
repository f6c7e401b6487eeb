"""What a user attaches to a message, as the fields of the Bot API's Message."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass

from tools.emulator.telegram.files import File, Files, picture, voice
from tools.emulator.telegram.model import Json

SIDES = (90, 320, 800, 1280)  # pixels: the longer sides of the sizes that Telegram makes of a photo
LARGEST = 2560
THUMBNAIL = 320  # of a picture that is sent as a file
SPOKEN = {"ru": "Что такое прилив, в двух предложениях?"}  # what the fake AI hears in the sample
SPOKEN_OTHERWISE = "What is a tide, in two sentences?"
ALBUM_KINDS = ("photo", "video", "document", "audio")


@dataclass(frozen=True)
class Attachment:
    """A file that a user picked: its bytes, its name and its type."""

    content: bytes
    name: str = ""
    mime_type: str = ""


def content_of(files: Files, kind: str, given: Attachment | None = None, language: str | None = None) -> Json:
    """Store a file of a kind, or a small example, and return the message's fields; KeyError if unknown.

    Args:
        language: of what the fake AI hears in the example of a voice message.
    """
    default, build = _KINDS[kind]
    if kind == "voice" and given is None:
        given = Attachment(
            voice(words=SPOKEN.get(language or "", SPOKEN_OTHERWISE)), "voice.oga", "audio/ogg"
        )
    return build(files, given or default())


def image_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a picture, None when it is none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _add(files: Files, folder: str, one: Attachment, otherwise: str) -> File:
    return files.add(folder, one.content, one.mime_type or otherwise, one.name or None)


def _photo(files: Files, one: Attachment) -> Json:
    return {"photo": photo_sizes(files, one.content, one.mime_type or "image/jpeg", one.name or None)}


def photo_sizes(files: Files, content: bytes, mime_type: str, name: str | None = None) -> list[Json]:
    """Store the sizes that Telegram makes of a photo, and return them, the smallest first."""
    width, height = image_size(content) or (128, 128)
    longest = max(width, height)
    sizes = [
        (files.add("photos", *_smaller(content, side), "photo.jpg"), side) for side in SIDES if side < longest
    ]
    if longest > LARGEST:
        sizes.append((files.add("photos", *_smaller(content, LARGEST), "photo.jpg"), LARGEST))
    else:
        sizes.append((files.add("photos", content, mime_type, name), longest))
    found = [
        file.json(width=max(1, round(width * side / longest)), height=max(1, round(height * side / longest)))
        for file, side in sizes
    ]
    files.join_sizes(found)
    return found


def thumbnail(files: Files, content: bytes) -> Json:
    """Return the field `thumbnail` of a file that is a picture; nothing for any other."""
    size = image_size(content)
    if size is None:
        return {}
    scale = min(1.0, THUMBNAIL / max(size))
    file = files.add("thumbnails", *_smaller(content, THUMBNAIL), "thumbnail.jpg")
    width, height = (max(1, round(side * scale)) for side in size)
    return {"thumbnail": file.json(width=width, height=height)}


def _smaller(content: bytes, side: int) -> tuple[bytes, str]:
    """Return a picture reduced to a longer side as a JPEG, and its type; a broken one as it is."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            small = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return content, "image/jpeg"
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG")
    return buffer.getvalue(), "image/jpeg"


def _document(files: Files, one: Attachment) -> Json:
    file = _add(files, "documents", one, "application/octet-stream")
    about = thumbnail(files, one.content)
    return {"document": file.json(file_name=one.name or "file", mime_type=file.mime_type, **about)}


def _voice(files: Files, one: Attachment) -> Json:
    file = _add(files, "voice", one, "audio/ogg")
    return {"voice": file.json(duration=_seconds(one.content), mime_type=file.mime_type)}


def _audio(files: Files, one: Attachment) -> Json:
    file = _add(files, "music", one, "audio/mpeg")
    named = {"file_name": one.name} if one.name else {}
    return {"audio": file.json(duration=_seconds(one.content), mime_type=file.mime_type, **named)}


def _video(files: Files, one: Attachment) -> Json:
    file = _add(files, "videos", one, "video/mp4")
    named = {"file_name": one.name} if one.name else {}
    return {"video": file.json(width=320, height=240, duration=1, mime_type=file.mime_type, **named)}


def _video_note(files: Files, one: Attachment) -> Json:
    return {"video_note": _add(files, "video_notes", one, "video/mp4").json(length=240, duration=1)}


def _animation(files: Files, one: Attachment) -> Json:
    content = _add(files, "animations", one, "video/mp4").json(width=320, height=240, duration=1)
    # The Bot API repeats an animation as a document, for bots that do not support animations.
    return {"animation": content, "document": content}


def _sticker(files: Files, one: Attachment) -> Json:
    width, height = image_size(one.content) or (512, 512)
    flags = {"type": "regular", "is_animated": False, "is_video": False}
    file = _add(files, "stickers", one, "image/webp")
    return {"sticker": file.json(width=width, height=height, emoji="👍", **flags)}


def _seconds(content: bytes) -> int:
    """Return the length of a WAV in whole seconds, 1 for every other format."""
    try:
        with wave.open(io.BytesIO(content)) as sound:
            return max(1, int(sound.getnframes() / sound.getframerate()))
    except (wave.Error, EOFError, ZeroDivisionError):
        return 1


_KINDS: dict[str, tuple[Callable[[], Attachment], Callable[[Files, Attachment], Json]]] = {
    "photo": (lambda: Attachment(picture(), "photo.png", "image/png"), _photo),
    "document": (lambda: Attachment(b"A few notes.\n", "notes.txt", "text/plain"), _document),
    "voice": (lambda: Attachment(voice(), "voice.oga", "audio/ogg"), _voice),
    "audio": (lambda: Attachment(voice(), "music.mp3", "audio/mpeg"), _audio),
    "video": (lambda: Attachment(b"\0\0\0\x18ftypmp42", "video.mp4", "video/mp4"), _video),
    "video_note": (lambda: Attachment(b"\0\0\0\x18ftypmp42", "note.mp4", "video/mp4"), _video_note),
    "animation": (lambda: Attachment(b"\0\0\0\x18ftypmp42", "animation.mp4", "video/mp4"), _animation),
    "sticker": (lambda: Attachment(picture(size=64), "sticker.webp", "image/webp"), _sticker),
}
KINDS = tuple(_KINDS)
