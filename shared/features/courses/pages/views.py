"""What several pages show: cards of courses, lines of lessons, prices, Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from markupsafe import Markup

from shared.core import texts
from shared.core.texts import figures
from shared.features.common import catalog
from shared.features.courses import library
from shared.web import markdown

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import CourseCard, LessonCard, ListCourseOffers
    from shared.web.visit import Visit


def prose(visit: Visit, source: str, course: str, top: int = 2) -> Markup:
    """Return Markdown of an author as HTML; its pictures are files of the course's folder."""
    return markdown.to_html(
        source,
        code=visit.text("web_code"),
        table=visit.text("web_table"),
        top=top,
        picture=lambda name: _picture(visit, course, name),
    )


def plain_prose(visit: Visit, source: str) -> Markup:
    """Return Markdown of a user as HTML."""
    return markdown.to_html(source, code=visit.text("web_code"), table=visit.text("web_table"))


def _picture(visit: Visit, course: str, name: str) -> str:
    return visit.url(f"/courses/{course}/pictures/{name}") if library.is_picture(name) else ""


def words(visit: Visit, by_language: Mapping[str, object]) -> Mapping[str, str]:
    """Return title, summary and text of a course, lesson or product in the visitor's language."""
    found = texts.pick(visit.language, by_language, {})
    return {key: str(value) for key, value in found.items()} if isinstance(found, Mapping) else {}


def card(visit: Visit, course: CourseCard) -> JsonObject:
    """Return a course as templates show it."""
    about = words(visit, course["texts"])
    is_open = course["tier"] is not None or course["is_staff"]
    return {
        "slug": course["slug"],
        "title": about.get("title", course["slug"]),
        "summary": about.get("summary", ""),
        "address": visit.url(f"/courses/{course['slug']}"),
        "is_published": course["is_published"],
        "is_open": is_open,
        "size": size(visit, course["lessons"], course["seconds"]),
        "learners": course["learners"],
        "tier": visit.text(f"course_tier_{course['tier']}") if course["tier"] else "",
        "until": visit.date(course["expires_at"]) if course["expires_at"] else "",
        "percent": course["percent"],
        "done": visit.text("course_lessons_done", done=course["completed_lessons"], total=course["lessons"]),
        "is_completed": course["completed_at"] is not None,
        "is_begun": course["completed_lessons"] > 0 or course["percent"] > 0,
        "continue": lesson_address(visit, course["slug"], course["continue_with"]),
    }


def size(visit: Visit, lessons: int, seconds: int) -> str:
    """Return the number of lessons, and the length of the videos."""
    words = visit.text("course_lesson_count", count=lessons)
    minutes = -(-seconds // 60)
    return f"{words} · {visit.text('course_video_minutes', count=minutes)}" if minutes else words


def lesson_address(visit: Visit, course: str, lesson: str | None) -> str:
    """Return the address of a lesson; empty for none."""
    return visit.url(f"/courses/{course}/{lesson}") if lesson else ""


def lesson_line(visit: Visit, course: str, lesson: LessonCard) -> JsonObject:
    """Return a lesson in the list of its course."""
    state = lesson["state"]
    return {
        "address": lesson_address(visit, course, lesson["slug"]),
        "title": texts.pick(visit.language, lesson["titles"], lesson["slug"]),
        "is_open": state == "open",
        "is_completed": lesson["completed_at"] is not None,
        "is_preview": lesson["is_preview"],
        "is_published": lesson["is_published"],
        "is_required": lesson["is_required"],
        "why": why_closed(visit, state, lesson["opens_at"], lesson["tier"]),
        "needs": visit.text("course_needs_tier", tier=visit.text(f"course_tier_{lesson['tier']}"))
        if lesson["tier"] != "basic"
        else "",
        "kinds": [
            visit.text(key)
            for key, is_there in (
                ("course_video", lesson["duration_seconds"] is not None),
                ("course_quiz", lesson["has_quiz"]),
                ("course_homework", lesson["has_homework"]),
            )
            if is_there
        ],
    }


def why_closed(visit: Visit, state: str, opens_at: str | None, tier: str) -> str:
    """Return why a lesson is not open; empty if it is."""
    if state == "scheduled" and opens_at:
        return visit.text("course_opens_at", date=visit.date(opens_at, with_time=True))
    if state == "upgrade":
        return visit.text("course_needs_tier", tier=visit.text(f"course_tier_{tier}"))
    return "" if state == "open" else visit.text("course_needs_access")


def offer(visit: Visit, found: ListCourseOffers) -> JsonObject:
    """Return what sells a tier, with the price to pay."""
    about = words(visit, found["texts"])
    prices = _prices(visit.language, found["prices"])
    full = {currency: Decimal(amount) for currency, amount in found["full_prices"].items()}
    main = prices[0] if prices else None
    cohort = found["cohort"]
    return {
        "title": visit.text(f"course_tier_{found['tier']}"),
        "about": about.get("description", ""),
        "tier": found["tier"],
        "price": figures.money(visit.language, main[1], main[0]) if main else "",
        "full": figures.money(visit.language, full[main[0]], main[0])
        if main and full[main[0]] > main[1]
        else "",
        "others": [figures.money(visit.language, amount, currency) for currency, amount in prices[1:]],
        "access": visit.text("course_access_days", count=found["access_days"])
        if found["access_days"]
        else visit.text("course_access_for_life"),
        "starts": visit.text("course_cohort_starts", date=visit.date(cohort["starts_at"])) if cohort else "",
        "reason": visit.text(f"course_offer_{found['reason']}") if found["reason"] else "",
        "buy": _buy_address(visit, found["product_key"]),
    }


def _buy_address(visit: Visit, product: str) -> str:
    """Return the way to the checkout: a visitor logs in first."""
    if visit.session is not None:
        return visit.url(f"/buy/{product}")
    return visit.url("/login", to=f"/buy/{product}")


def _prices(language: str, prices: Mapping[str, object]) -> list[tuple[str, Decimal]]:
    """Return the prices that can be paid here, the one of the language first."""
    payable = prices.keys() & catalog.payable_currencies()
    return [(code, Decimal(str(prices[code]))) for code in catalog.in_order(payable, language)]
