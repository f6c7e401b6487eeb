"""/top: who has the most XP today, this week or of all time, in this bot or in all of them.

In a group the board alone is shown: the place of the user who asks is for them only.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat, figures
from shared.features.common.drawing import send_drawing
from shared.features.common.menu import back
from shared.features.xp.names import bot_name, points, shown_name, unnamed, written
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import BoardEntries, GetLeaderboard, GetUserRank
    from shared.features.xp.board_picture import BoardPicture, Row

router = Router()

_SIZE = 10  # places that are shown
PERIODS = ("day", "week", "all")
_BOARDS = ("all", "one")
_CHOICE = f"({'|'.join(PERIODS)}):({'|'.join(_BOARDS)})"


class Choice(NamedTuple):
    """Which board is shown."""

    period: str = "week"
    board: str = "all"

    @property
    def data(self) -> str:
        """Its part of a button's data."""
        return f"{self.period}:{self.board}"


class Found(NamedTuple):
    """A board, and the place of the user who asks; None in a group."""

    choice: Choice
    board: GetLeaderboard
    own: GetUserRank | None

    @property
    def own_index(self) -> int | None:
        """Where the user is among the entries; None where they are not."""
        if self.own is None or self.own["rank"] is None or self.own["is_hidden"]:
            return None
        entries, above = self.board["entries"], self.own["above"]
        index = entries.index(above[-1]) + 1 if above and above[-1] in entries else 0
        is_own = index < len(entries) and bool(index or not above)
        return index if is_own and entries[index]["xp"] == self.own["xp"] else None


@router.message_handler(commands=["top"])
def top(_message: Message) -> None:
    """Show the board of this week and all bots."""
    context = current_context()
    reply(*_screen(context, _find(context, Choice())))


@router.callback_query_handler(data=f"top(:{_CHOICE})?")
def show_top(call: CallbackQuery) -> None:
    """Show the chosen board under its button."""
    context = current_context()
    context.show(*_screen(context, _find(context, _choice(call))))


@router.callback_query_handler(data=f"top:picture:{_CHOICE}")
def send_picture(call: CallbackQuery) -> None:
    """Send the board as a picture."""
    context = current_context()
    found = _find(context, _choice(call))
    from shared.features.xp.board_picture import draw  # Pillow takes 60 ms to import

    send_drawing(context, lambda: draw(_picture(context, found)), _head(context, found.choice))


def _choice(call: CallbackQuery) -> Choice:
    chosen = (call.data or "").split(":")[-2:]
    return Choice(*chosen) if len(chosen) == 2 else Choice()


def _find(context: UpdateContext, choice: Choice) -> Found:
    if context.is_offline:
        raise StateUnavailable
    name = "" if choice.board == "all" else context.bot.name
    return find(choice, name, context.user.telegram_id if context.update.is_private else None)


def find(choice: Choice, board: str, telegram_id: int | None) -> Found:
    """Return a board, of one bot or of all (`board` empty), and the place of a user, if one is given."""
    found: GetLeaderboard = db.call("get_leaderboard", p_limit=_SIZE, p_board=board, p_period=choice.period)
    if telegram_id is None:
        return Found(choice, found, None)
    own: GetUserRank = db.call(
        "get_user_rank", p_telegram_id=telegram_id, p_board=board, p_period=choice.period
    )
    return Found(choice, found, own)


def _screen(context: UpdateContext, found: Found) -> tuple[Text, Keyboard]:
    parts = [_head(context, found.choice)]
    entries, own_index = found.board["entries"], found.own_index
    if entries:
        lines = [_line(context, entry, is_own=index == own_index) for index, entry in enumerate(entries)]
        parts.append(concat(*lines, separator="\n"))
    else:
        parts.append(context.rich("top_empty"))
    if found.own is not None and own_index is None and found.board["total"]:
        parts.append(_own(context, found, found.own))
    notes = _notes(context, found)
    return concat(*parts, *notes, separator="\n\n"), _buttons(context, found.choice)


def _head(context: UpdateContext, choice: Choice) -> Text:
    board = context.text("top_board_all") if choice.board == "all" else bot_name(context, context.bot.name)
    return context.rich("top", board=board, period=context.text(f"top_period_{choice.period}"))


def _line(context: UpdateContext, entry: BoardEntries, *, is_own: bool = False) -> Text:
    name = context.text("top_you") if is_own else shown_name(context.language, entry["name"], entry["number"])
    place, xp = written(context, entry["rank"]), points(context, entry["xp"])
    return context.rich("top_line_own" if is_own else "top_line", place=place, name=name, xp=xp)


def _own(context: UpdateContext, found: Found, own: GetUserRank) -> Text:
    """Return the user's place with the neighbors that the list above does not show."""
    if own["rank"] is None:
        return context.rich("top_own_admin" if own["xp"] else "top_own_none")
    place, entries = written(context, own["rank"]), found.board["entries"]
    line = context.rich(
        "top_line_own", place=place, name=context.text("top_you"), xp=points(context, own["xp"])
    )
    above, below = (
        [_line(context, entry) for entry in own[side] if entry not in entries] for side in ("above", "below")
    )
    head = context.rich("top_own", place=place, total=written(context, own["total"]))
    return concat(head, *above, line, *below, separator="\n")


def _notes(context: UpdateContext, found: Found) -> list[Text]:
    notes = []
    if found.own is not None and found.own["is_hidden"]:
        notes.append(context.rich("top_hidden"))
    if found.choice.period != "all":
        midnight = datetime.fromisoformat(f"{found.board['starts_on']}T00:00")
        time = figures.time_of_day(
            context.language, midnight.replace(tzinfo=ZoneInfo(context.usage.timezone))
        )
        notes.append(context.rich(f"top_starts_{found.choice.period}", time=time))
    return [concat(*notes, separator="\n")] if notes else []


def _buttons(context: UpdateContext, choice: Choice) -> Keyboard:
    def button(key: str, which: Choice) -> tuple[str, str]:
        label = context.text(key)
        return (
            context.text("top_chosen", label=label) if which == choice else label,
            f"top:{which.data}",
        )

    last = [(context.text("top_button_picture"), f"top:picture:{choice.data}")]
    if context.update.is_private:
        last.append((context.text("top_button_name"), "board"))
    return [
        [button(f"top_period_{period}", Choice(period, choice.board)) for period in PERIODS],
        [button(f"top_board_{board}", Choice(choice.period, board)) for board in _BOARDS],
        last,
        *(back(context) if context.update.is_private else []),
    ]


def _picture(context: UpdateContext, found: Found) -> BoardPicture:
    from shared.features.xp.board_picture import BoardPicture

    choice, own_index = found.choice, found.own_index
    rows = [_row(context, entry, index == own_index) for index, entry in enumerate(found.board["entries"])]
    own = found.own if own_index is None else None
    return BoardPicture(
        title=context.text("picture_top"),
        period=context.text(f"top_period_{choice.period}"),
        board=(
            context.text("top_board_all") if choice.board == "all" else bot_name(context, context.bot.name)
        ),
        rows=rows,
        own=_own_row(context, own) if own is not None and own["rank"] is not None else None,
        nothing=context.text("picture_top_empty"),
    )


def _row(context: UpdateContext, entry: BoardEntries, is_own: bool) -> Row:
    from shared.core.pictures.canvas import drawable
    from shared.features.xp.board_picture import Row

    # The typeface has no emoji and no letters of other scripts: such a name gives way to the number.
    name = drawable(entry["name"] or "")
    name = name if any(letter.isalnum() for letter in name) else unnamed(context.language, entry["number"])
    return Row(
        rank=entry["rank"],
        place=written(context, entry["rank"]),
        name=context.text("top_you") if is_own else name,
        level=context.text("picture_top_level", level=entry["level"]),
        xp=points(context, entry["xp"]),
        is_own=is_own,
    )


def _own_row(context: UpdateContext, own: GetUserRank) -> Row:
    from shared.features.xp.board_picture import Row

    assert own["rank"] is not None, "the caller has checked"
    return Row(
        rank=own["rank"],
        place=written(context, own["rank"]),
        name=context.text("top_you"),
        level="",
        xp=points(context, own["xp"]),
        is_own=True,
    )
