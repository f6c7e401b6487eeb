"""/quiz in private: what to do now, then topic and level. In a group, /quiz posts polls (polls.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.quiz import library, polls, screens
from shared.telegram import current_context
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import QuizOverview

router = Router()

_LEAST = 5  # questions of a level that is offered


def _is_own_text(message: Message) -> bool:
    context = current_context()
    is_own = context.update.is_private and not context.update.is_forwarded
    return is_own and not context.is_offline and not (message.text or "").startswith("/")


@router.message_handler(commands=["quiz"])
def quiz(_message: Message) -> None:
    """Show what to do; in a group, post a round of polls."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    if context.update.is_group:
        return polls.begin(context)
    return context.reply(*_menu(context))


@router.message_handler(func=_is_own_text)
def answer_text(_message: Message) -> None:
    """Show what to do: an unfinished quiz, whose buttons the user has perhaps lost, comes first."""
    context = current_context()
    context.reply(*_menu(context))


@router.callback_query_handler(data="quiz", private_only=True, page="resume")
def show_menu(_call: CallbackQuery) -> None:
    """Show what to do under a button."""
    context = current_context()
    context.show(*_menu(context))


@router.callback_query_handler(data=r"quiz:t:[a-z0-9_]{1,30}", private_only=True, page="resume")
def show_levels(call: CallbackQuery) -> None:
    """Show the levels of a topic."""
    context = current_context()
    chosen = str(call.data).split(":")[2]
    topic = "" if chosen == "all" else chosen
    counts = library.levels(context.language, topic)
    rows: list[list[tuple[str, str]]] = [[(context.text("quiz_any_level"), f"quiz:t:{chosen}:0")]]
    rows += [
        [(context.text("quiz_level", level=level, stars="★" * level), f"quiz:t:{chosen}:{level}")]
        for level, count in counts.items()
        if count >= _LEAST
    ]
    rows.append([(context.text("quiz_back"), "quiz")])
    context.show(context.rich("quiz_levels", topic=screens.topic_name(context, topic)), rows)


def _menu(context: UpdateContext) -> tuple[Text, Keyboard]:
    overview: QuizOverview = db.call("quiz_overview", p_user_id=context.user.id, p_bot=context.bot.name)
    parts, rows = [context.rich("quiz_menu")], list[list[tuple[str, str]]]()
    if (run := overview["open"]) is not None:
        parts.append(context.rich("quiz_open", used=run["answered"], total=len(run["questions"])))
        rows.append([(context.text("quiz_continue"), f"quiz:r:{run['id']}:{run['answered'] + 1}")])
    if overview["due"]:
        parts.append(context.rich("quiz_due", count=overview["due"]))
        rows.append([(context.text("quiz_review", count=overview["due"]), "review")])
    if overview["challenge"] is None or overview["challenge"]["status"] == "open":
        rows.append([(context.text("quiz_challenge"), "daily")])
    topics = [("", "all"), *((topic, topic) for topic in library.topics(context.language))]
    buttons = [(screens.topic_name(context, topic), f"quiz:t:{data}") for topic, data in topics]
    rows += [
        buttons[:1],
        *(buttons[start : start + 2] for start in range(1, len(buttons), 2)),
        *map(list, back(context)),
    ]
    return concat(*parts, separator="\n\n"), rows
