"""/courses: the user's courses and the others; a course with its lessons, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, texts
from shared.core.texts import Text, concat
from shared.features.common import catalog
from shared.features.common.paging import PAGE, page_of, split_page
from shared.features.courses import awards, certificate, finding
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import CourseCard, LessonCard, ListCourseOffers, ReadCourse

router = Router()

_LINES = 10  # courses that have a line
_LESSONS = 25  # lessons that have a line
_SUMMARY = 200  # characters
_ROWS = 7  # of buttons


@router.message_handler(commands=["courses"], private_only=True)
def list_courses(_message: Message) -> None:
    """Show the courses."""
    reply(*_list(current_context(), 0))


@router.callback_query_handler(data=f"courses{PAGE}", private_only=True, page="courses")
def show_courses(call: CallbackQuery) -> None:
    """Show the courses under a button."""
    context = current_context()
    context.show(*_list(context, split_page(call.data or "")[1]))


@router.callback_query_handler(data=f"course:open:{finding.ID}", private_only=True, page="courses")
def show_course(call: CallbackQuery) -> None:
    """Show a course."""
    context = current_context()
    if (course := _find(context, call)) is not None:
        context.show(*course_screen(context, course))


@router.callback_query_handler(data=f"course:lessons:{finding.ID}{PAGE}", private_only=True, page="courses")
def show_lessons(call: CallbackQuery) -> None:
    """Show the lessons of a course as buttons."""
    context = current_context()
    data, page = split_page(call.data or "")
    if (course := _find(context, call)) is None:
        return
    rows = [
        [
            (
                f"{_mark(lesson)} {finding.label(finding.lesson_title(context, lesson))}",
                f"lesson:{course['id']}:{lesson['id']}",
            )
        ]
        for lesson in course["all_lessons"]
    ]
    keyboard = page_of(context, rows, page, data, f"course:open:{course['id']}", most=_ROWS + 2)
    context.show(context.rich("learn_lessons", title=finding.course_title(context, course)), keyboard)


def course_screen(context: UpdateContext, course: ReadCourse) -> tuple[Text, Keyboard]:
    """Return a course: progress, lessons, what comes next, what it costs."""
    about = texts.pick(context.language, course["texts"])
    parts = [context.rich("learn_course", title=about["title"])]
    if summary := about.get("summary"):
        parts.append(Text(_short(summary), []))
    if course["tier"]:
        parts.append(context.rich("learn_progress_line", progress=_progress(context, course)))
    if course["all_lessons"]:
        parts.append(_lessons(context, course))
    if course["completed_at"]:
        parts.append(context.rich("learn_completed", date=context.date(course["completed_at"])))
        if (step := awards.next_step(context, course)) is not None:
            parts.append(step)
    return concat(*parts, separator="\n\n"), _course_buttons(context, course)


def _course_buttons(context: UpdateContext, course: ReadCourse) -> list[list[tuple[str, str]]]:
    rows: list[list[tuple[str, str]]] = []
    wanted = finding.place(course, lambda one: one["slug"] == course["continue_with"])
    if wanted is not None:
        key = "learn_resume_button" if course["completed_lessons"] else "learn_start_button"
        rows.append([(context.text(key), f"lesson:{course['id']}:{wanted.lesson['id']}")])
    if course["all_lessons"]:
        rows.append([(context.text("learn_lessons_button"), f"course:lessons:{course['id']}")])
    rows += certificate.button(context, course)
    rows += offer_rows(context, course["slug"], next_product=course["next_product_key"])
    rows += finding.web_button(context, f"/courses/{course['slug']}")
    if not course["wants_reminders"] and not course["completed_at"]:
        rows.append([(context.text("learn_remind_button"), f"course:remind:{course['id']}")])
    return [*rows, [(context.text("list_back"), "courses")]]


def offer_rows(
    context: UpdateContext, slug: str, *, next_product: str | None = None
) -> list[list[tuple[str, str]]]:
    """Return the buttons to what the user can buy of a course, and to the product that comes after it."""
    offers: list[ListCourseOffers] = db.call("list_course_offers", p_user_id=context.user.id, p_slug=slug)
    keys = [one["product_key"] for one in offers if one["reason"] is None]
    keys += [next_product] if next_product and next_product not in keys else []
    on_sale = catalog.products(context) if keys else []
    found = [product for key in keys if (product := catalog.find(on_sale, key)) is not None]
    return [
        [
            (
                context.text(
                    "learn_buy_button",
                    title=catalog.title(context, product["texts"]),
                    price=catalog.price(context, catalog.shown_option(context, product)),
                ),
                f"buy:{product['key']}",
            )
        ]
        for product in found
    ]


def _list(context: UpdateContext, page: int) -> tuple[Text, Keyboard]:
    found = finding.overview(context)
    own, others = [one for one in found if one["tier"]], [one for one in found if not one["tier"]]
    parts = [context.rich("learn_none" if not found else "learn_courses")]
    lines = [_line(context, one) for one in [*own, *others][:_LINES]]
    parts += lines
    if len(found) > _LINES:
        parts.append(context.rich("learn_more", count=len(found) - _LINES))
    rows = [
        [
            (
                f"{'📚' if one['tier'] else '🔎'} {finding.label(finding.course_title(context, one))}",
                f"course:open:{one['id']}",
            )
        ]
        for one in [*own, *others]
    ]
    web = finding.web_button(context, "/dashboard" if own else "/courses") if found else []
    return concat(*parts, separator="\n\n"), page_of(context, rows, page, "courses", "menu", web, most=_ROWS)


def _line(context: UpdateContext, course: CourseCard) -> Text:
    about = texts.pick(context.language, course["texts"])
    title = about["title"] if course["is_published"] else context.text("learn_draft", title=about["title"])
    details = _progress(context, course) if course["tier"] else _short(about.get("summary") or "")
    if not details:
        return context.rich("learn_course", title=title)
    return context.rich("learn_line", title=title, details=details)


def _progress(context: UpdateContext, course: CourseCard | ReadCourse) -> str:
    """Return tier, progress and end of access in a line."""
    parts = [
        context.text(f"course_tier_{course['tier']}"),
        context.text("learn_progress", done=course["completed_lessons"], total=course["lessons"]),
    ]
    if course["expires_at"]:
        parts.append(context.text("course_until", date=context.date(course["expires_at"])))
    return " · ".join(parts)


def _lessons(context: UpdateContext, course: ReadCourse) -> Text:
    lessons = course["all_lessons"]
    lines = [
        context.rich(
            "learn_lesson_line",
            mark=_mark(lesson),
            n=str(number),
            title=finding.lesson_title(context, lesson),
            why=f" · {why}" if (why := closed_reason(context, lesson)) else "",
        )
        for number, lesson in enumerate(lessons[:_LESSONS], 1)
    ]
    if len(lessons) > _LESSONS:
        lines.append(context.rich("learn_more", count=len(lessons) - _LESSONS))
    return concat(*lines, separator="\n")


def closed_reason(context: UpdateContext, lesson: LessonCard) -> str:
    """Return why a lesson is not open to the user, or that it is free; empty where it is simply open."""
    if lesson["state"] == "scheduled" and lesson["opens_at"]:
        return context.text("learn_opens", date=context.date(lesson["opens_at"]))
    if lesson["state"] == "upgrade":
        return context.text(f"course_tier_{lesson['tier']}")
    if lesson["is_preview"] and not lesson["completed_at"]:
        return context.text("course_preview")
    return ""


def _mark(lesson: LessonCard) -> str:
    if lesson["completed_at"]:
        return "✅"
    return "▫️" if lesson["state"] == "open" else "⏳" if lesson["state"] == "scheduled" else "🔒"


def _find(context: UpdateContext, call: CallbackQuery) -> ReadCourse | None:
    number = split_page(call.data or "")[0].split(":")[2]
    course = finding.find_course(context, number)
    if course is None:
        context.answer_callback(context.text("button_old"), alert=True)
    return course


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _SUMMARY else f"{line[: _SUMMARY - 1].rstrip()}…"
