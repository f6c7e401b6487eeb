"""The catalogue, the learner's dashboard, and the public page of a course."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.features.courses.pages import views
from shared.web.access import Access
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import CourseCard, ListCourseOffers, ReadCourse
    from shared.web.visit import Visit

SLUG = "<string(maxlength=64):{}>"
COURSE = "/courses/" + SLUG.format("course")


def show_catalogue(visit: Visit) -> Response:
    """List all courses."""
    found: list[CourseCard] = db.call("course_overview", p_user_id=user_id(visit))
    return visit.render("courses/catalogue.html", courses=[views.card(visit, one) for one in found])


def show_dashboard(visit: Visit) -> Response:
    """Show the courses that the learner has, where to continue, and the others."""
    found: list[CourseCard] = db.call("course_overview", p_user_id=visit.user.user_id)
    cards = [views.card(visit, one) for one in found]
    return visit.render(
        "courses/dashboard.html",
        own=[one for one in cards if one["is_open"]],
        others=[one for one in cards if not one["is_open"]],
    )


def show_course(visit: Visit, course: str) -> Response:
    """Show a course: to visitors what it teaches and costs, to learners also their progress."""
    found: ReadCourse | None = db.call("read_course", p_user_id=user_id(visit), p_slug=course)
    if found is None:
        raise NotFound
    offers: list[ListCourseOffers] = db.call("list_course_offers", p_user_id=user_id(visit), p_slug=course)
    about = views.words(visit, found["texts"])
    card = views.card(visit, found)
    certificate = found["certificate"]
    return visit.render(
        "courses/course.html",
        course=card,
        description=views.prose(visit, about.get("description", ""), course),
        lessons=[views.lesson_line(visit, course, one) for one in found["all_lessons"]],
        offers=[views.offer(visit, one) for one in offers],
        next_step=views.prose(visit, texts.pick(visit.language, found["next_step"], ""), course, 3),
        next_product=visit.url(f"/buy/{found['next_product_key']}") if found["next_product_key"] else "",
        certificate=visit.url(f"/certificates/{certificate['code']}") if certificate else "",
        own_name=visit.session.name if visit.session else "",
    )


def user_id(visit: Visit) -> int | None:
    """Return the id of the user who is logged in."""
    return visit.session.user_id if visit.session else None


_PUBLIC = Policy(is_indexed=True)

pages = (
    Page("/courses", show_catalogue, _PUBLIC, access=Access.VISITOR, menu="courses_menu"),
    Page("/dashboard", show_dashboard, access=Access.USER, menu="courses_dashboard_menu"),
    Page(COURSE, show_course, _PUBLIC, access=Access.VISITOR),
)
