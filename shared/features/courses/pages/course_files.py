"""The files that admins upload for a course: pictures of texts, documents to download, short videos."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import UUID

import orjson
from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.features.courses.pages import editing, uploads, views
from shared.features.courses.pages.admin import (
    COURSE,
    COURSES,
    SMALL_FORM,
    account,
    read_course,
    title_of,
)
from shared.features.courses.pages.homework import FILE_SECONDS
from shared.web import forms, stored_media
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page, Policy, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminDeleteCourseFile,
        AdminGetCourse,
        AdminListCourseFiles,
        AdminRegisterCourseFile,
        ConfirmCourseFile,
    )
    from shared.web.visit import Visit

Kind = Literal["picture", "document", "video"]
_MB = 1024 * 1024


class _Limits(NamedTuple):
    types: tuple[str, ...]
    size: int  # bytes


# A request of a function has at most 32 MB (shared/core/server.py); longer videos are at a video host.
LIMITS: dict[str, _Limits] = {
    "picture": _Limits(("image/png", "image/jpeg", "image/webp"), 5 * _MB),
    "document": _Limits(("application/pdf", "text/plain"), 20 * _MB),
    "video": _Limits(("video/mp4", "video/webm"), 25 * _MB),
}
_LARGEST = max(one.size for one in LIMITS.values())


class _Upload(BaseModel):
    kind: Kind
    title: str = Field(default="", max_length=200)
    alt: str = Field(default="", max_length=300)
    reference: forms.Reference


def show(visit: Visit, course: str) -> Response:
    """List the files of a course."""
    return _page(visit, course, FormView({"kind": "picture"}))


def _page(visit: Visit, slug: str, form: FormView, status: int = 200) -> Response:
    row = read_course(visit, slug)
    return visit.render(
        "courses/admin_files.html",
        status,
        slug=slug,
        title=title_of(visit, row),
        files=[_file(visit, slug, row, one) for one in _read(visit, slug)],
        form=form,
        kinds=[(kind, visit.text(f"course_file_{kind}")) for kind in LIMITS],
        limits=_limits(visit),
        takes_files=stored_media.is_configured(),
        accept=",".join(f".{extension}" for extension in uploads.EXTENSIONS.values()),
        reference=forms.new_reference(),
    )


def _limits(visit: Visit) -> list[str]:
    """Return which types and sizes each kind takes."""
    return [
        visit.text(f"course_file_{kind}_limit", size=limits.size // _MB) for kind, limits in LIMITS.items()
    ]


def _read(visit: Visit, slug: str) -> list[AdminListCourseFiles]:
    found: list[AdminListCourseFiles] | None = db.call(
        "admin_list_course_files", p_slug=slug, p_admin_email=account(visit)
    )
    return found or []


def _file(visit: Visit, slug: str, row: AdminGetCourse, file: AdminListCourseFiles) -> JsonObject:
    return {
        "id": file["id"],
        "address": visit.url(f"{COURSES}/{slug}/files/{file['id']}"),
        "name": file["name"],
        "about": f"{visit.text('course_file_' + file['kind'])} · {_size(visit, file['size'])}"
        f" · {visit.date(file['created_at'])}",
        "snippet": _snippet(file),
        "hint": visit.text(f"course_file_{file['kind']}_use"),
        "used_in": [_lesson_title(visit, row, one) for one in file["used_in"]],
    }


def _size(visit: Visit, size: int) -> str:
    return visit.text("course_file_size", size=-(-size // 1024))


def _snippet(file: AdminListCourseFiles) -> str:
    """Return what an editor pastes to use a file."""
    if file["kind"] == "picture":
        alt = file["alt"].translate({ord(one): None for one in "[]\\"})
        return f"![{alt}]({file['key'].rpartition('/')[2]})"
    if file["kind"] == "video":
        return file["key"]
    about = {"name": file["name"], "reference": file["key"], "size": file["size"]}
    return orjson.dumps(about).decode()


def _lesson_title(visit: Visit, row: AdminGetCourse, slug: str) -> str:
    """Return the title of a place that uses a file; a lesson of another course is named by its address."""
    if "/" in slug:
        return slug
    lesson = next((one for one in row["lessons"] if one["slug"] == slug), None)
    texts = lesson["texts"] if lesson else row["course"]["texts"]
    return views.words(visit, texts).get("title", slug)


def upload(visit: Visit, course: str) -> Response:
    """Store a file of a course."""
    try:
        sent = visit.form(_Upload)
        content, name = _received(visit, sent)
        _store(visit, course, sent, content, name)
    except FormError as error:
        return _page(visit, course, editing.faulty(visit, error), 422)
    return visit.redirect(f"{COURSES}/{course}/files", "course_file_stored_notice")


def _received(visit: Visit, sent: _Upload) -> tuple[bytes, str]:
    """Return the content of the file that was sent, and its name.

    Raises:
        FormError: it is missing, too large, of another type, or a picture without a description.
    """
    limits = LIMITS[sent.kind]
    file = visit.request.files.get("file")
    content = file.read(limits.size + 1) if file else b""
    fault = ""
    if not content:
        fault = "course_file_missing"
    elif len(content) > limits.size:
        fault = "course_file_too_large"
    elif uploads.mime_type(content[:_MB] if sent.kind != "document" else content) not in limits.types:
        fault = "course_file_wrong_type"
    faults = {"file": fault} if fault else {}
    if sent.kind == "picture" and not uploads.line(sent.alt):
        faults["alt"] = "course_file_alt_missing"
    if faults:
        raise FormError(faults)
    name = uploads.line(sent.title) or uploads.file_name(file.filename if file else "")
    return content, name or visit.text(f"course_file_{sent.kind}")


def _store(visit: Visit, course: str, sent: _Upload, content: bytes, name: str) -> None:
    """Register a file and upload it. A form that is sent again stores nothing twice.

    Raises:
        FormError: Storage takes no file now.
        NotFound: there is no such course.
    """
    mime_type = uploads.mime_type(content)
    registered: AdminRegisterCourseFile | None = db.call(
        "admin_register_course_file",
        p_slug=course,
        p_kind=sent.kind,
        p_title=name,
        p_alt=uploads.line(sent.alt) if sent.kind == "picture" else "",
        p_name=str(_name(course, sent.reference, content)),
        p_extension=uploads.EXTENSIONS[mime_type],
        p_mime_type=mime_type,
        p_size=len(content),
        p_admin_email=account(visit),
    )
    if registered is None:
        raise NotFound
    if registered["status"] == "stored":
        return
    # Deleted: the form of a file that was deleted since; the page has another reference now.
    if registered["status"] == "deleted" or not stored_media.put(registered["key"], content, mime_type):
        raise FormError({"file": "course_file_not_stored"})
    confirmed: ConfirmCourseFile = db.call("confirm_course_file", p_key=registered["key"])
    if not confirmed["stored"]:  # deleted while it was uploaded
        raise FormError({"file": "course_file_not_stored"})


def _name(course: str, reference: str, content: bytes) -> UUID:
    """Return what names a file: the form, and its content, as a form may be sent again with another file."""
    digest = hashlib.sha256(f"course:{course}:{reference}:".encode())
    digest.update(hashlib.sha256(content).digest())
    return UUID(bytes=digest.digest()[:16])


def open_file(visit: Visit, course: str, number: int) -> Response:
    """Lead to a file of a course."""
    file = next((one for one in _read(visit, course) if one["id"] == number), None)
    if file is None:
        raise NotFound
    return stored_media.lead_to(visit, file["key"], FILE_SECONDS)


def delete(visit: Visit, course: str, number: int) -> Response:
    """Delete a file that nothing uses."""
    done: AdminDeleteCourseFile = db.call(
        "admin_delete_course_file", p_slug=course, p_file_id=number, p_admin_email=account(visit)
    )
    if done["outcome"] == "none":
        raise NotFound
    is_deleted = done["outcome"] == "deleted"
    notice = "course_file_deleted_notice" if is_deleted else "course_file_used_notice"
    return visit.redirect(f"{COURSES}/{course}/files", notice)


_LIST = f"{COURSE}/files"
_ONE = f"{_LIST}/{row_id('number')}"

pages = (
    Page(_LIST, show, Policy(has_scripts=True), access=Access.AUTHOR),
    Page(f"{_LIST}/new", upload, methods=("POST",), max_body=_LARGEST + 20_000, access=Access.AUTHOR),
    Page(_ONE, open_file, Policy(referrer="no-referrer"), access=Access.AUTHOR),
    Page(f"{_ONE}/delete", delete, methods=("POST",), max_body=SMALL_FORM, access=Access.AUTHOR),
)
