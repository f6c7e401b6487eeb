"""Players of videos: a file in Storage or in the course's folder, YouTube, Kinescope."""

from __future__ import annotations

import base64
import binascii
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import orjson
from flask import Response
from werkzeug.exceptions import Forbidden

from shared.core import clock, db, texts
from shared.core.config import settings
from shared.core.signatures import hmac_sha256, token_matches
from shared.features.courses.pages import files
from shared.web import addresses, stored_media
from shared.web.page import Page
from shared.web.players import KINESCOPE, YOUTUBE

if TYPE_CHECKING:
    from flask import Request

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ReadLesson, ReadLessonFiles
    from shared.web.visit import Visit

SECONDS = 4 * 3600  # that a link to a video works: a lesson with pauses
_TOKEN_SECONDS = 2 * 3600
_ID = re.compile("[A-Za-z0-9_-]{1,64}")
_LONGEST = 1_000  # characters of a token


def player(visit: Visit, course: str, lesson: str, found: ReadLesson) -> JsonObject | None:
    """Return how to show the video of a lesson, and allow its origin; None where there is no video.

    `address` is empty where the video cannot be shown now.
    """
    content = found["content"]
    if content is None or content["video"] is None:
        return None
    video, position = content["video"], found["progress"]["position_seconds"] if found["progress"] else 0
    reference = video["reference"]
    if video["adapter"] == "storage":
        return _file(visit, course, lesson, reference)
    if not _ID.fullmatch(reference):
        return {"is_frame": True, "address": ""}
    if video["adapter"] == "youtube":
        visit.allow("frame-src", YOUTUBE)
        # enablejsapi: the player reports where it is. Without a referrer YouTube shows no embedded video.
        options = {"enablejsapi": 1, "rel": 0, "playsinline": 1, "start": position, "hl": visit.language}
        return {
            "is_frame": True,
            "address": f"{YOUTUBE}/embed/{reference}?{urlencode(options)}",
            "origin": YOUTUBE,
        }
    visit.allow("frame-src", KINESCOPE)
    query = {"drmauthtoken": _token(visit.user.user_id, course, lesson, reference)} if visit.session else {}
    return {
        "is_frame": True,
        "address": f"{KINESCOPE}/embed/{reference}?{urlencode({**query, 't': position})}",
        "origin": KINESCOPE,
    }


def _file(visit: Visit, course: str, lesson: str, reference: str) -> JsonObject:
    path = files.of_folder(reference)
    if path is None:
        address = stored_media.signed_url(reference, SECONDS)
        if address:
            visit.allow("media-src", addresses.origin(address))
        return {"is_frame": False, "address": address, "tracks": []}
    visit.allow("media-src", "'self'")
    at = f"/courses/{course}/{lesson}"
    return {
        "is_frame": False,
        "address": visit.url(f"{at}/video"),
        "tracks": [
            {
                "language": code,
                "label": texts.language(code).NAME.partition(" ")[2],
                "address": visit.url(f"{at}/subtitles/{code}"),
                "is_default": code == visit.language,
            }
            for code in files.subtitles(path)
        ],
    }


def _token(user_id: int, course: str, lesson: str, video: str) -> str:
    """Return a token with which Kinescope asks us whether a user may see this video of a lesson."""
    value = orjson.dumps([user_id, course, lesson, video, int(clock.timestamp()) + _TOKEN_SECONDS])
    content = base64.urlsafe_b64encode(value).decode().rstrip("=")
    return f"{content}.{_signature(content)}"


def _signature(content: str) -> str:
    return hmac_sha256(settings().user_hash_key, b"kinescope\0" + content.encode()).hex()


def _read(token: str) -> tuple[int, str, str, str] | None:
    """Return user, course, lesson and video of a token; None if it is forged or too old."""
    content, _, signature = token[:_LONGEST].partition(".")
    if not token_matches(signature, [_signature(content)]):
        return None
    try:
        user, course, lesson, video, until = orjson.loads(
            base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
        )
    except (binascii.Error, ValueError):
        return None
    return (int(user), str(course), str(lesson), str(video)) if until > clock.timestamp() else None


def authorize(visit: Visit) -> Response:
    """Tell Kinescope whether the user of a token may see a video now.

    Raises:
        Forbidden: the token is forged or too old, or the lesson is not open to the user any more, or has
            another video by now.
    """
    known = _read(_sent(visit.request))
    if known is None:
        raise Forbidden
    user, course, lesson, video = known
    found: ReadLessonFiles | None = db.call(
        "read_lesson_files", p_user_id=user, p_course_slug=course, p_lesson_slug=lesson
    )
    if found is None or found["video"] != {"adapter": "kinescope", "reference": video}:
        raise Forbidden
    return Response(status=HTTPStatus.OK)


def _sent(request: Request) -> str:
    """Return the token of a request; empty for JSON that is none."""
    if not request.is_json:
        return request.args.get("token") or request.form.get("token", "")
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        return ""
    return str(body.get("token", "")) if isinstance(body, dict) else ""


pages = (
    Page("/courses/kinescope/access", authorize, methods=("GET", "POST"), max_body=4_000, for_servers=True),
)
