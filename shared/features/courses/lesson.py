"""/continue and the screen of a lesson: its text, what completes it, and the step after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, texts
from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.courses import awards, finding, lesson_files, overview
from shared.telegram import current_context, markdown, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router
from shared.telegram.split import split

if TYPE_CHECKING:
    from shared.core.sql_types import CompleteLesson, LessonResult, ReadLesson, ReadLessonContent
    from shared.features.courses.finding import Place

router = Router()

_BODY = 2_500  # code units of a lesson's text; the rest is on the web
_LESSON = rf"lesson:{finding.ID}:{finding.ID}"


@router.message_handler(commands=["continue"], private_only=True)
def go_on(_message: Message) -> None:
    """Show the lesson with which the user goes on, in the course of the last activity."""
    context = current_context()
    found = finding.overview(context)
    own = [one for one in found if one["tier"]]
    card = next((one for one in own if one["continue_with"]), None)
    course = finding.read_course(context, card["slug"]) if card else None
    wanted = finding.place(course, lambda one: one["slug"] == course["continue_with"]) if course else None
    if wanted is not None:
        return reply(*screen(context, wanted))
    key = "learn_nothing_left" if own else "learn_nothing_yet"
    return reply(context.rich(key), [[(context.text("learn_courses_button"), "courses")], *back(context)])


@router.callback_query_handler(data=_LESSON, private_only=True, page="courses")
def show_lesson(call: CallbackQuery) -> None:
    """Show a lesson."""
    context = current_context()
    if (found := find(context, call)) is not None:
        context.show(*screen(context, found))


@router.callback_query_handler(
    data=rf"lesson:done:{finding.ID}:{finding.ID}", private_only=True, page="courses"
)
def complete(call: CallbackQuery) -> None:
    """Mark a lesson as done."""
    context = current_context()
    if (found := find(context, call)) is None:
        return None
    done: CompleteLesson = db.call(
        "complete_lesson", p_user_id=context.user.id, p_lesson_id=found.lesson["id"]
    )
    if done["outcome"] == "no_access":
        return context.answer_callback(context.text("learn_closed"), alert=True)
    after = finding.find_lesson(context, found.course["id"], found.lesson["id"]) or found
    return context.show(*screen(context, after, done))


def find(context: UpdateContext, call: CallbackQuery) -> Place | None:
    """Return the lesson that the last two numbers of a button name; None: it is gone, and the user knows."""
    course_id, lesson_id = (call.data or "").split(":")[-2:]
    found = finding.find_lesson(context, course_id, lesson_id)
    if found is None:
        context.answer_callback(context.text("button_old"), alert=True)
    return found


def screen(
    context: UpdateContext, found: Place, step: LessonResult | CompleteLesson | None = None
) -> tuple[Text, Keyboard]:
    """Return a lesson; after a step in it (the place was read after it), what the step brought is on top."""
    read = finding.read_lesson(context, found)
    if read is None or read["content"] is None:
        return _closed(context, found)
    progress = read["progress"]
    result = step if step is not None else progress
    if result is not None and result.get("is_new") and step is None:  # opening it is its rule
        found = finding.find_lesson(context, found.course["id"], found.lesson["id"]) or found
    heads = awards.award_lines(context, found.course, result) if result else []
    parts = [*heads, _head(context, found), _body(context, read["content"]), _about(context, read)]
    return concat(*(part for part in parts if part.text), separator="\n\n"), _buttons(context, found, read)


def _head(context: UpdateContext, found: Place) -> Text:
    return context.rich(
        "learn_lesson",
        title=finding.lesson_title(context, found.lesson),
        course=finding.course_title(context, found.course),
        n=found.number,
        of=len(found.course["all_lessons"]),
    )


def _body(context: UpdateContext, content: ReadLessonContent) -> Text:
    body = texts.pick(context.language, content["texts"]).get("body") or ""
    rendered = markdown.render(body)
    return split(rendered, _BODY, max_parts=1)[0] if rendered.text else rendered


def _about(context: UpdateContext, read: ReadLesson) -> Text:
    """Return what else the lesson has, and what completes it."""
    lesson, content = read["lesson"], read["content"]
    assert content is not None  # of an open lesson
    lines = []
    if content["video"]:
        minutes = -(-(lesson["duration_seconds"] or 0) // 60)
        lines.append(context.rich("learn_video_minutes" if minutes else "learn_video", minutes=minutes))
    if files := lesson_files.of_language(context.language, content["files"]):
        lines.append(context.rich("learn_files", count=len(files)))
    if homework := content["homework"]:
        state = homework["submissions"][0]["state"] if homework["submissions"] else "open"
        lines.append(context.rich(f"learn_homework_{state}"))
    if lesson["completed_at"]:
        lines.append(context.rich("learn_lesson_is_done"))
    else:
        rule = context.rich(f"learn_{lesson['completion']}_rule", percent=lesson["watch_percent"])
        lines.append(rule)
    return concat(*lines, separator="\n")


def _buttons(context: UpdateContext, found: Place, read: ReadLesson) -> Keyboard:
    lesson, content, progress = read["lesson"], read["content"], read["progress"]
    assert content is not None  # of an open lesson
    where = f"{found.course['id']}:{lesson['id']}"
    rows: list[list[tuple[str, str]]] = []
    if lesson["completion"] == "button" and not lesson["completed_at"]:
        rows.append([(context.text("learn_done_button"), f"lesson:done:{where}")])
    if (quiz := content["quiz"]) and not quiz["is_passed"] and quiz["attempts_left"] != 0:
        rows.append([(context.text("learn_quiz_button"), f"lessonquiz:start:{where}")])
    rows += finding.web_button(context, f"/courses/{found.course['slug']}/{lesson['slug']}")
    if progress and (after := progress["next"]) and after["state"] == "open":
        following = finding.place(found.course, lambda one: one["slug"] == after["slug"])
        if following is not None:
            rows.append(
                [(context.text("learn_next_button"), f"lesson:{found.course['id']}:{following.lesson['id']}")]
            )
    rows.append(
        [
            (context.text("learn_course_button"), f"course:open:{found.course['id']}"),
            (context.text("learn_ask_button"), f"lesson:ask:{where}"),
        ]
    )
    return rows


def _closed(context: UpdateContext, found: Place) -> tuple[Text, Keyboard]:
    """Return why a lesson is not open, and what opens it."""
    lesson = found.lesson
    if lesson["state"] == "scheduled" and lesson["opens_at"]:
        why = context.rich("learn_closed_until", date=context.date(lesson["opens_at"], with_time=True))
    elif lesson["state"] == "upgrade":
        why = context.rich("learn_closed_tier", tier=context.text(f"course_tier_{lesson['tier']}"))
    else:
        why = context.rich("learn_closed")
    rows = [] if lesson["state"] == "scheduled" else overview.offer_rows(context, found.course["slug"])
    return concat(_head(context, found), why, separator="\n\n"), [
        *rows,
        [(context.text("learn_course_button"), f"course:open:{found.course['id']}")],
    ]
