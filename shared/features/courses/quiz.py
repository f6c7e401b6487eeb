"""The quiz of a lesson with buttons: one question after the other, checked together at the end.

The answers wait in the session, so only the whole form is an attempt. A tap on the buttons of a question that
is not the current one shows the current one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db, texts
from shared.core.texts import Text, concat
from shared.features.courses import awards, finding
from shared.features.courses.lesson import find
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import AnswerLessonQuiz, QuizState
    from shared.features.courses.finding import Place

router = Router()

_STATE = "lesson_quiz"  # of the session's data: {lesson, version, answers: [[0], …], picked: [0, …]}
_NUMBER = "[0-9]{1,3}"
_OPTION = 30  # characters of an option on a button; longer ones stand in the text
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@router.callback_query_handler(
    data=rf"lessonquiz:start:{finding.ID}:{finding.ID}", private_only=True, page="courses"
)
def start(call: CallbackQuery) -> None:
    """Ask the first question."""
    context = current_context()
    if (found := find(context, call)) is None:
        return None
    if (quiz := _quiz(context, found)) is None:
        return context.answer_callback(context.text("learn_closed"), alert=True)
    if quiz["is_passed"] or quiz["attempts_left"] == 0:
        key = "learn_quiz_known" if quiz["is_passed"] else "learn_quiz_no_attempts"
        return context.answer_callback(context.text(key), alert=True)
    return _ask(context, found, quiz, _begin(context, found, quiz))


@router.callback_query_handler(
    data=rf"lessonquiz:{_NUMBER}:(?:{_NUMBER}|done):{finding.ID}:{finding.ID}",
    private_only=True,
    page="courses",
)
def answer(call: CallbackQuery) -> None:
    """Take an option of a question; the last one ends the quiz."""
    context = current_context()
    if (found := find(context, call)) is None:
        return None
    if (quiz := _quiz(context, found)) is None:
        return context.answer_callback(context.text("learn_closed"), alert=True)
    state = context.data.get(_STATE) or {}
    if state.get("lesson") != found.lesson["id"] or state.get("version") != quiz["version"]:
        return _ask(context, found, quiz, _begin(context, found, quiz))
    _, number, option, *_ = (call.data or "").split(":")
    answers: list[list[int]] = state["answers"]
    question = quiz["questions"][len(answers)]
    if int(number) == len(answers):
        options = texts.pick(context.language, question["texts"])["options"]
        picked = _picked(state["picked"], option, len(options))
        if question["is_multiple"] and (option != "done" or not picked):
            _store(context, state := {**state, "picked": picked})
        elif picked:
            answers = [*answers, picked]
            if len(answers) == len(quiz["questions"]):
                return _finish(context, found, quiz, answers)
            _store(context, state := {**state, "answers": answers, "picked": []})
    return _ask(context, found, quiz, state)


def _picked(before: list[int], option: str, options: int) -> list[int]:
    """Return the options that are picked after a tap, which picks one or takes it back."""
    if option == "done" or int(option) >= options:
        return before
    return sorted({*before} ^ {int(option)})


def _finish(context: UpdateContext, found: Place, quiz: QuizState, answers: list[list[int]]) -> None:
    done: AnswerLessonQuiz = db.call(
        "answer_lesson_quiz",
        p_user_id=context.user.id,
        p_lesson_id=found.lesson["id"],
        p_answers=answers,
        p_reference=context.reference,
        p_version=quiz["version"],
    )
    context.set_data(_STATE, None)
    where = f"{found.course['id']}:{found.lesson['id']}"
    if done["outcome"] == "no_access":
        return context.answer_callback(context.text("learn_closed"), alert=True)
    values = {"right": done["right"], "of": len(answers)}
    parts = [context.rich(f"learn_quiz_{done['outcome']}", **values)]
    rows: list[list[tuple[str, str]]] = []
    left = done["quiz"]["attempts_left"] if done["quiz"] else 0
    if done["outcome"] in ("failed", "changed") and left != 0:
        if left is not None:
            parts.append(context.rich("learn_quiz_left", count=left))
        rows.append([(context.text("learn_quiz_again_button"), f"lessonquiz:start:{where}")])
    course = finding.read_course(context, found.course["slug"]) or found.course
    parts += awards.award_lines(context, course, done)
    if done["quiz"]:
        parts += _explanations(context, done["quiz"], answers)
    rows.append([(context.text("learn_lesson_button"), f"lesson:{where}")])
    return context.show(concat(*parts, separator="\n\n"), rows)


def _explanations(context: UpdateContext, quiz: QuizState, answers: list[list[int]]) -> list[Text]:
    """Return the right answers to the questions that were answered wrong, once the quiz shows them."""
    lines = []
    for number, (question, given) in enumerate(zip(quiz["questions"], answers, strict=False), 1):
        right = question.get("correct")
        if right is None or sorted(right) == given:
            continue
        words = texts.pick(context.language, question["texts"])
        options = ", ".join(words["options"][one] for one in right if one < len(words["options"]))
        key = "learn_quiz_explained" if words.get("explanation") else "learn_quiz_was_right"
        lines.append(context.rich(key, n=number, right=options, why=words.get("explanation") or ""))
    return lines


def _ask(context: UpdateContext, found: Place, quiz: QuizState, state: JsonObject) -> None:
    number = len(state["answers"])
    question = quiz["questions"][number]
    words = texts.pick(context.language, question["texts"])
    where = f"{found.course['id']}:{found.lesson['id']}"
    head = context.rich(
        "learn_quiz_question", n=number + 1, of=len(quiz["questions"]), question=words["question"]
    )
    options = [f"{_LETTERS[one % 26]}. {text}" for one, text in enumerate(words["options"])]
    is_long = any(len(one) > _OPTION for one in options)
    parts = [head]
    if is_long:
        parts.append(Text("\n".join(options), []))
    if question["is_multiple"]:
        parts.append(context.rich("learn_quiz_several"))
    rows = [
        [(_option_label(option, one in state["picked"], is_long), f"lessonquiz:{number}:{one}:{where}")]
        for one, option in enumerate(options)
    ]
    if question["is_multiple"]:
        rows.append([(context.text("learn_quiz_done_button"), f"lessonquiz:{number}:done:{where}")])
    rows.append([(context.text("learn_lesson_button"), f"lesson:{where}")])
    context.show(concat(*parts, separator="\n\n"), rows)


def _option_label(option: str, is_picked: bool, is_long: bool) -> str:
    shown = option[:1] if is_long else option
    return f"☑️ {shown}" if is_picked else shown


def _quiz(context: UpdateContext, found: Place) -> QuizState | None:
    read = finding.read_lesson(context, found)
    return read["content"]["quiz"] if read and read["content"] else None


def _begin(context: UpdateContext, found: Place, quiz: QuizState) -> JsonObject:
    state = {"lesson": found.lesson["id"], "version": quiz["version"], "answers": [], "picked": []}
    _store(context, state)
    return state


def _store(context: UpdateContext, state: JsonObject) -> None:
    context.set_data(_STATE, state)
