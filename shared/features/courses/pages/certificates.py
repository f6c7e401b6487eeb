"""Certificates: the learner types a name, everyone checks a code, and there are a picture and a PDF of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response
from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.core.config import settings
from shared.core.errors import Refusal
from shared.features.courses.pages.catalogue import SLUG
from shared.web.access import Access
from shared.web.forms import FormError
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from shared.core.sql_types import FindCourseCertificate, IssueCourseCertificate
    from shared.features.common.certificate_picture import Certificate
    from shared.web.visit import Visit

_LONGEST = 100


class _Name(BaseModel):
    name: str = Field(min_length=1, max_length=_LONGEST, pattern=r"\S")


def issue(visit: Visit, course: str) -> Response:
    """Issue the certificate of a completed course.

    Raises:
        FormError: the name has no letter, for example.
    """
    try:
        result: IssueCourseCertificate = db.call(
            "issue_course_certificate",
            p_user_id=visit.user.user_id,
            p_slug=course,
            p_name=visit.form(_Name).name,
        )
    except Refusal:
        raise FormError({"name": "web_field_wrong"}) from None
    certificate = result.get("certificate")
    if certificate is None:
        return visit.redirect(f"/courses/{course}", f"course_certificate_{result['outcome']}_notice")
    return visit.redirect(f"/certificates/{certificate['code']}")


def show(visit: Visit, code: str) -> Response:
    """Say whether a certificate is valid."""
    found = _find(code)
    if found["state"] == "withdrawn":
        return visit.render("courses/certificate.html", is_valid=False, title="", holder="", date="", at="")
    return visit.render(
        "courses/certificate.html",
        is_valid=True,
        title=texts.pick(visit.language, found["titles"], found["course"]),
        course=visit.url(f"/courses/{found['course']}"),
        holder=found["name"],
        date=visit.date(found["completed_at"] or found["issued_at"]),
        at=f"/certificates/{found['code']}",
    )


def show_picture(visit: Visit, code: str) -> Response:
    """Return a certificate as a picture."""
    return _file(visit, code, "png")


def show_pdf(visit: Visit, code: str) -> Response:
    """Return a certificate as a sheet to print."""
    return _file(visit, code, "pdf")


def _file(visit: Visit, code: str, kind: str) -> Response:
    from shared.features.common import certificate_picture

    certificate = _certificate(visit, code)
    if kind == "pdf":
        content = certificate_picture.pdf(certificate)
        response = Response(content, content_type="application/pdf")
        response.headers.set("Content-Disposition", "attachment", filename="certificate.pdf")
        return response
    return Response(certificate_picture.draw(certificate).getvalue(), content_type="image/png")


def _certificate(visit: Visit, code: str) -> Certificate:
    """Return what a valid certificate shows."""
    from shared.features.common.certificate_picture import Certificate, name_of

    found = _find(code)
    if found["state"] == "withdrawn":
        raise NotFound
    address = f"{settings().console_url}/certificates/{found['code']}"
    return Certificate(
        title=visit.text("course_certificate_title"),
        name=name_of(found["name"], ""),
        passed=visit.text("course_certificate_passed"),
        scenario=texts.pick(visit.language, found["titles"], found["course"]),
        score="",
        date=visit.date(found["completed_at"] or found["issued_at"]),
        number=visit.text("course_certificate_check"),
        check=address.partition("://")[2],
    )


def _find(code: str) -> FindCourseCertificate:
    found: FindCourseCertificate | None = db.call("find_course_certificate", p_code=code)
    if found is None:
        raise NotFound("course_certificate_unknown")
    return found


_CODE = "/certificates/<string(maxlength=64):code>"
_PUBLIC = Policy(referrer="no-referrer")

pages = (
    Page(
        f"/certificates/{SLUG.format('course')}/issue",
        issue,
        methods=("POST",),
        max_body=4_000,
        access=Access.USER,
    ),
    Page(_CODE, show, _PUBLIC, access=Access.VISITOR),
    Page(f"{_CODE}/picture.png", show_picture, _PUBLIC),
    Page(f"{_CODE}/certificate.pdf", show_pdf, _PUBLIC),
)
