"""What the user has made of a kind, the newest first: /images."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.core import db
from shared.core.texts import figures

if TYPE_CHECKING:
    from shared.core.sql_types import ListGenerations
    from shared.core.texts import Text
    from shared.features.common.media.kinds import MediaKind
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

PAGE = 5
_LONGEST = 60  # characters of a description


def page(context: UpdateContext, kind: MediaKind, before: int | None = None) -> tuple[Text, Keyboard]:
    """Return a page: descriptions, a button for each result, and the way to older ones.

    Args:
        before: the job below which the page begins; None: the newest.
    """
    found: list[ListGenerations] = db.call(
        "list_generations",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_kind=kind.name,
        p_limit=PAGE + 1,
        p_before=before,
    )
    rows, has_more = found[:PAGE], len(found) > PAGE
    newest = [[(context.text("media_newest"), f"{kind.history}:0")]] if before else []
    if not rows:
        return context.rich(f"{kind.history}_none"), newest
    zone = ZoneInfo(context.usage.timezone)
    lines = []
    for number, row in enumerate(rows, 1):
        day = figures.day(context.language, datetime.fromisoformat(row["created_at"]).astimezone(zone))
        lines.append(f"{number}. {day} — {_short(row['prompt'])}")
    keyboard: list[list[tuple[str, str]]] = [
        [(str(number), f"{kind.history}:show:{row['id']}") for number, row in enumerate(rows, 1)]
    ]
    if has_more:
        keyboard.append([(context.text("media_older"), f"{kind.history}:{rows[-1]['id']}")])
    return context.rich(f"{kind.history}_page", lines="\n".join(lines)), [*keyboard, *newest]


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST].rstrip() + "…"
