"""Files of lessons: from the folder of a course, or by a link to Storage. Only of lessons that are open."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.exceptions import NotFound, ServiceUnavailable

from shared.core import db
from shared.features.courses import library
from shared.features.courses.pages.catalogue import COURSE, SLUG, user_id
from shared.web import stored_media
from shared.web.access import Access
from shared.web.page import PRIVATE, Page, Policy

if TYPE_CHECKING:
    from shared.core.sql_types import FindCoursePicture, MaySeeCourse, ReadLessonFiles
    from shared.web.visit import Visit

LESSON = f"{COURSE}/{SLUG.format('lesson')}"
_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "webm": "video/webm",
    "mp4": "video/mp4",
    "vtt": "text/vtt; charset=utf-8",
}
_SECONDS = 600  # that a link to a download works


def of_folder(reference: str) -> Path | None:
    """Return the file in a course's folder that a reference names; None for a key in Storage.

    Raises:
        NotFound: there is no such file.
    """
    if not reference.startswith(library.OWN):
        return None
    path = _files().get(reference)
    if path is None:
        raise NotFound
    return path


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    """Return all files of courses by their references, which are looked up here and never on the disk."""
    return {
        f"{library.OWN}{path.parent.name}/{path.name}": path
        for path in library.FOLDER.glob("*/*")
        if path.suffix[1:] in _TYPES
    }


def send(visit: Visit, path: Path, download: str = "") -> Response:
    """Return a file, or the part that a player asks for; `download`: the name under which it is saved."""
    content = path.read_bytes()
    response = Response(content, content_type=_TYPES[path.suffix[1:]])
    response.headers["Accept-Ranges"] = "bytes"
    if download:
        response.headers.set("Content-Disposition", "attachment", filename=download)
    response.make_conditional(visit.request, accept_ranges=True, complete_length=len(content))
    return response


def opened(visit: Visit, course: str, lesson: str) -> ReadLessonFiles:
    """Return what the files of a lesson need, which is open to the visitor.

    Raises:
        NotFound: there is none, or it is not open.
    """
    found: ReadLessonFiles | None = db.call(
        "read_lesson_files", p_user_id=user_id(visit), p_course_slug=course, p_lesson_slug=lesson
    )
    if found is None:
        raise NotFound("course_lesson_closed")
    return found


def show_picture(visit: Visit, course: str, name: str) -> Response:
    """Return a picture in a text of a course; that of a hidden course only to its staff."""
    if not library.is_picture(name):
        raise NotFound
    seen: MaySeeCourse = db.call("may_see_course", p_user_id=user_id(visit), p_slug=course)
    if not seen["is_visible"]:
        raise NotFound
    path = _files().get(f"{library.OWN}{course}/{name}")
    return send(visit, path) if path else _uploaded_picture(course, name)


def _uploaded_picture(course: str, name: str) -> Response:
    """Return a picture that an admin uploaded (course_files.py)."""
    found: FindCoursePicture | None = db.call("find_course_picture", p_slug=course, p_name=name)
    if found is None:
        raise NotFound
    content = stored_media.read(found["key"])
    if not content:
        raise ServiceUnavailable
    return Response(content, content_type=found["mime_type"])


def download(visit: Visit, course: str, lesson: str, number: int) -> Response:
    """Return a file of a lesson."""
    found = opened(visit, course, lesson)["files"]
    if number >= len(found):
        raise NotFound
    reference = found[number]["reference"]
    if path := of_folder(reference):
        return send(visit, path, path.name)
    return stored_media.lead_to(visit, reference, _SECONDS)


def show_video(visit: Visit, course: str, lesson: str) -> Response:
    """Return a short video of a course's folder."""
    return send(visit, _own_video(visit, course, lesson))


def show_subtitles(visit: Visit, course: str, lesson: str, language: str) -> Response:
    """Return the subtitles of such a video."""
    path = subtitles(_own_video(visit, course, lesson)).get(language)
    if path is None:
        raise NotFound
    return send(visit, path)


def subtitles(video: Path) -> dict[str, Path]:
    """Return the files with subtitles of a video, by language."""
    return {path.suffixes[0][1:]: path for path in sorted(video.parent.glob(f"{video.stem}.??.vtt"))}


def _own_video(visit: Visit, course: str, lesson: str) -> Path:
    video = opened(visit, course, lesson)["video"]
    path = of_folder(video["reference"]) if video and video["adapter"] == "storage" else None
    if path is None:
        raise NotFound
    return path


pages = (
    Page(
        f"{COURSE}/pictures/{SLUG.format('name')}", show_picture, Policy(cache=PRIVATE), access=Access.VISITOR
    ),
    Page(
        f"{LESSON}/files/<int(max=99):number>",
        download,
        Policy(referrer="no-referrer"),
        access=Access.VISITOR,
    ),
    Page(f"{LESSON}/video", show_video, access=Access.VISITOR),
    Page(f"{LESSON}/subtitles/<string(length=2):language>", show_subtitles, access=Access.VISITOR),
)
