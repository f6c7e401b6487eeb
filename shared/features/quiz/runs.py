"""A quiz in private: its questions, answers and result; /resume and /review."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.features.common.menu import back
from shared.features.quiz import challenge_screens, library, repetition, screens
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.messages import inline_keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AnswerQuizQuestion, QuizRunState, StartQuizRun
    from shared.features.quiz.bank_models import Question

router = Router()

SIZE = 10  # questions of a quiz
_NUMBER = r"[0-9]{1,18}"
_ANSWER = re.compile(rf"quiz:[as]:({_NUMBER}):([0-9]{{1,2}}):([0-9a-f]{{1,3}}):([0-9a-f]{{4}})")


@router.callback_query_handler(data=r"quiz:t:[a-z0-9_]{1,30}:[0-5]", private_only=True, page="resume")
def start(call: CallbackQuery) -> None:
    """Start a quiz of a topic and level."""
    context = current_context()
    topic, level = str(call.data).split(":")[2:]
    topic = "" if topic == "all" else topic
    found = library.matching(context.language, topic, int(level))
    if not found:
        return context.answer_callback(context.text("button_old"), alert=True)
    return begin(context, "topic", library.choose(found, context.reference, SIZE), topic, int(level))


@router.message_handler(commands=["review"], private_only=True)
def review(_message: Message) -> None:
    """Start a quiz of the questions that are due."""
    _review(current_context())


@router.callback_query_handler(data="review", private_only=True, page="review")
def show_review(_call: CallbackQuery) -> None:
    """Start it under its button."""
    _review(current_context())


@router.message_handler(commands=["resume"], private_only=True)
def resume(_message: Message) -> None:
    """Continue the quiz that the user left."""
    context = current_context()
    run: QuizRunState | None = db.call("get_quiz_run", p_user_id=context.user.id, p_bot=context.bot.name)
    if run is None:
        return context.reply(context.rich("quiz_nothing_open"), [[(context.text("quiz_start"), "quiz")]])
    return show(context, run, run["answered"] + 1)


@router.callback_query_handler(data=rf"quiz:r:{_NUMBER}:[0-9]{{1,2}}", private_only=True, page="resume")
def next_question(call: CallbackQuery) -> None:
    """Show a question of a quiz, if it is the current one."""
    context = current_context()
    run_id, n = map(int, str(call.data).split(":")[2:])
    run = _run(context, run_id)
    if run is None or run["status"] != "open" or n != run["answered"] + 1:
        return _already_answered(context, run)
    return show(context, run, n)


@router.callback_query_handler(data=_ANSWER.pattern.replace("[as]", "s"), private_only=True, page="resume")
def choose(call: CallbackQuery) -> None:
    """Mark an option of a question with several right answers; nothing is stored."""
    context = current_context()
    run_id, n, mask, _ = _answer_data(call)
    run = _run(context, run_id)
    question = _question(run, n) if run is not None else None
    if run is None or question is None or not _is_current(run, n) or mask >> question.size:
        return _already_answered(context, run)
    return context.show(*screens.question_screen(context, run, n, question, mask))


@router.callback_query_handler(data=_ANSWER.pattern.replace("[as]", "a"), private_only=True, page="resume")
def answer(call: CallbackQuery) -> None:
    """Record the answer to the current question; a repeated, stale or foreign button counts nothing."""
    context = current_context()
    run_id, n, mask, version = _answer_data(call)
    run = _run(context, run_id)
    if run is None or not 1 <= n <= len(run["questions"]):
        return context.answer_callback(context.text("button_old"), alert=True)
    question = _question(run, n)
    if question is not None and _is_current(run, n) and not question.version.startswith(version):
        # The bank was edited since the question was shown: the answer was to another text.
        context.answer_callback(context.text("quiz_edited"), alert=True)
        return context.show(*screens.question_screen(context, run, n, question))
    choice = _choice(run, n, question, mask)
    done = record(context, run, n, question, choice)
    if done["outcome"] != "counted":
        return _already_answered(context, done.get("run", run))
    run = done["run"]
    if run["kind"] == "daily":
        return show(context, run, run["answered"] + 1)
    if question is None:
        return show(context, run, n + 1)
    context.show(*screens.answer_screen(context, run, n, question, choice))
    if run["status"] == "finished":
        context.reply(*screens.result_screen(context, run))
    return None


def _already_answered(context: UpdateContext, run: QuizRunState | None) -> None:
    """Say that a button is of a question that was answered, and let the buttons of its message lead on.

    The message may be a copy from an earlier /resume, whose own buttons all do nothing now. Its words stay:
    a second tap on one button must not replace the explanation.
    """
    context.answer_callback(context.text("quiz_answered"))
    if run is None or run["kind"] == "daily" or (number := context.edited_message_id) is None:
        return
    parameters = {"chat_id": context.update.chat_id, "message_id": number}
    context.call(
        "editMessageReplyMarkup",
        {**parameters, "reply_markup": inline_keyboard(screens.next_button(context, run))},
    )


def begin(context: UpdateContext, kind: str, questions: list[str], topic: str = "", level: int = 0) -> None:
    """Start a quiz and show its first question."""
    started: StartQuizRun = db.call(
        "start_quiz_run",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_kind=kind,
        p_questions=questions,
        p_reference=context.reference,
        p_topic=topic,
        p_level=level,
    )
    show(context, started["run"], started["run"]["answered"] + 1)


def show(context: UpdateContext, run: QuizRunState, n: int) -> None:
    """Show a question, or the result after the last; questions that are no longer in the bank are skipped."""
    while run["status"] == "open":
        question = _question(run, n)
        if run["shown"] < n:
            run = _run(context, run["id"], n) or run
        if question is not None:
            return context.show(*screens.question_screen(context, run, n, question))
        run = record(context, run, n, None, [])["run"]
        n = run["answered"] + 1
    if run["kind"] == "daily":
        context.show(challenge_screens.explanations(context, run))
        return context.reply(*challenge_screens.result(context, run))
    return context.show(*screens.result_screen(context, run))


def record(
    context: UpdateContext, run: QuizRunState, n: int, question: Question | None, choice: list[int]
) -> AnswerQuizQuestion:
    """Record an answer once; of a question that is no longer in the bank, that it counts nothing."""
    is_right = None if question is None else choice == question.right
    card = None
    if question is not None and _is_current(run, n):
        card = repetition.rated(
            question.id,
            run["card"],
            is_right=choice == question.right,
            seconds=run["seconds"],
            median=run["median_seconds"],
            now=datetime.fromisoformat(run["read_at"]),
        )
    done: AnswerQuizQuestion = db.call(
        "answer_quiz_question",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_run_id=run["id"],
        p_n=n,
        p_reference=context.reference,
        p_version=question.version if question is not None else "",
        p_topic=question.topic if question is not None else "",
        p_choice=choice,
        p_is_right=is_right,
        p_card=card,
        p_next=run["kind"] == "daily",
    )
    return done


def _review(context: UpdateContext) -> None:
    due: list[str] = db.call("due_quiz_cards", p_user_id=context.user.id)
    known = library.questions()
    found = [one for one in due if one in known and known[one].has(context.language)]
    if not found:
        return context.show(
            context.rich("quiz_nothing_due"), [[(context.text("quiz_start"), "quiz")], *back(context)]
        )
    return begin(context, "review", found[:SIZE])


def _run(context: UpdateContext, run_id: int, shown: int | None = None) -> QuizRunState | None:
    """Return a quiz of the user, if there is one; `shown`: the number of the question that is shown now."""
    run: QuizRunState | None = db.call(
        "get_quiz_run", p_user_id=context.user.id, p_bot=context.bot.name, p_run_id=run_id, p_show=shown
    )
    return run


def _question(run: QuizRunState, n: int) -> Question | None:
    """Return the question of this number; None if there is none, or the bank has it no longer."""
    return library.questions().get(run["questions"][n - 1]) if 1 <= n <= len(run["questions"]) else None


def _is_current(run: QuizRunState, n: int) -> bool:
    return run["status"] == "open" and n == run["answered"] + 1 == run["shown"]


def _choice(run: QuizRunState, n: int, question: Question | None, mask: int) -> list[int]:
    """Return the chosen options by their positions in the bank."""
    if question is None:
        return []
    return sorted(one for place, one in enumerate(screens.order(run, n, question)) if mask >> place & 1)


def _answer_data(call: CallbackQuery) -> tuple[int, int, int, str]:
    run_id, n, mask, version = str(call.data).split(":")[2:]
    return int(run_id), int(n), int(mask, 16), version
