"""Conversations and messages as templates show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from shared.core import clock, texts
from shared.core.texts import figures
from shared.features import xp
from shared.features.messenger.pages.filters import BANDS
from shared.features.messenger.sent_replies import is_reusable
from shared.web import avatars, markdown

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject, JsonValue
    from shared.core.sql_types import ConversationMessageRow, ConversationRow, ConversationViewers
    from shared.web.visit import Visit

LARGEST_FILE = 20_000_000  # bytes; getFile gives no larger ones
_QUESTIONS = "/admin/questions"  # of courses, where answers stand below the lesson, too
_REASONS = ("blocked", "deactivated")
_AGAIN = ("failed", "unknown", "canceled")
_EVENTS = ("assigned", "unassigned", "taken_over", "returned", "paused", "closed", "reopened", "rated")
_SHOWN = ("photo", "video", "video_note", "animation", "voice", "audio", "document")


class Limits(NamedTuple):
    """Minutes after which a user who waits is shown in yellow, and in red."""

    warn: int
    late: int


def is_time(written: str) -> bool:
    """Return whether a text is a time as the database writes it."""
    try:
        return datetime.fromisoformat(written).tzinfo is not None
    except ValueError:
        return False


def moment(visit: Visit, written: str) -> datetime:
    """Return a time of the database in the operator's zone."""
    return datetime.fromisoformat(written).astimezone(ZoneInfo(visit.user.time_zone))


def short_time(visit: Visit, written: str) -> str:
    """Write a time as lists do: the time of today, the day of this year, else the date."""
    when = moment(visit, written)
    now = clock.now().astimezone(when.tzinfo)
    if when.date() == now.date():
        return f"{when:%H:%M}"
    if when.year == now.year:
        return figures.day(visit.language, when.date(), short=True)
    return visit.date(written)


def _day(visit: Visit, when: datetime) -> str:
    today = clock.now().astimezone(when.tzinfo).date()
    if when.date() == today:
        return visit.text("messenger_today")
    if when.date() == today - timedelta(days=1):
        return visit.text("messenger_yesterday")
    if when.year == today.year:
        return figures.day(visit.language, when.date())
    return figures.date(visit.language, when, visit.user.time_zone)


def user_name(row: ConversationRow) -> str:
    """Return the name of a conversation's user."""
    user = row["user"]
    return markdown.clean(user["name"]).strip() or f"@{user['username'] or user['telegram_id']}"


def band_of(score: int | None) -> str:
    """Return the band of a score; empty without one."""
    return next(
        (name for name, (low, high) in BANDS.items() if score is not None and low <= score <= high), ""
    )


def waiting(row: ConversationRow, limits: Limits) -> str:
    """Return how urgent an answer is: late, warn, waits; empty where the user does not wait."""
    if row["waiting_since"] is None:
        return ""
    minutes = (clock.now() - datetime.fromisoformat(row["waiting_since"])).total_seconds() / 60
    return "late" if minutes >= limits.late else "warn" if minutes >= limits.warn else "waits"


def conversation(visit: Visit, row: ConversationRow, limits: Limits) -> JsonObject:
    """Return a conversation as the list and the head of its page show it."""
    name = user_name(row)
    band = band_of(row["ai_ready_score"])
    since = row["waiting_since"]
    assignee = row["assignee"]
    return {
        "id": row["id"],
        "name": name,
        "initials": avatars.initials(name) or "?",
        "username": row["user"]["username"] or "",
        "bot": row["bot"],
        "bot_name": xp.bot_title(visit, row["bot"]),
        "is_business": row["is_business"],
        "preview": markdown.clean(row["preview"]),
        "time": short_time(visit, row["last_message_at"]),
        "unread": row["unread_count"],
        "is_unread": row["is_unread"],
        "waiting": waiting(row, limits),
        "since": short_time(visit, since) if since else "",
        "since_seconds": _seconds(since),
        "assignee": markdown.clean(assignee["name"]) if assignee else "",
        "assignee_id": assignee["id"] if assignee else 0,
        "is_mine": bool(assignee) and assignee["id"] == visit.user.user_id if assignee else False,
        "handler": row["handler"],
        "handler_until": visit.date(row["handler_until"], with_time=True) if row["handler_until"] else "",
        "answering_until": _seconds(row["answering_until"]),
        "is_closed": row["status"] == "closed",
        "snoozed": _snoozed(visit, row["snoozed_until"]),
        "unreachable": row["unreachable"] or "",
        "band": band,
        "score": row["ai_ready_score"],
        "labels": [{**label, "name": markdown.clean(label["name"])} for label in row["labels"]],
        "has_draft": row["has_draft"],
        "last_seq": row["last_seq"],
        "version": row["last_version"],
    }


def _seconds(written: str | None) -> int:
    """Return a time in Unix seconds; 0 for none."""
    return int(datetime.fromisoformat(written).timestamp()) if written else 0


def _snoozed(visit: Visit, until: str | None) -> str:
    """Return until when a conversation is snoozed; empty where it is not."""
    if until is None or datetime.fromisoformat(until) <= clock.now():
        return ""
    return visit.date(until, with_time=True)


def messages(
    visit: Visit, number: int, rows: Sequence[ConversationMessageRow], name: str
) -> list[JsonObject]:
    """Return messages of a conversation, with the day above the first one of each day."""
    by_seq = {row["seq"]: row for row in rows}
    shown, day = [], ""
    for row in rows:
        one = _message(visit, number, row, name)
        original = by_seq.get(row["reply_to"] or 0)
        one["quote"] = quote(visit, original) if original else ""
        this_day = _day(visit, moment(visit, row["created_at"]))
        one["day"] = "" if this_day == day else this_day
        day = this_day
        shown.append(one)
    return shown


def quote(visit: Visit, row: ConversationMessageRow) -> str:
    """Return the beginning of a message, as replies to it show it."""
    return markdown.clean(row["body"])[:120] or visit.text(f"messenger_kind_{row['kind']}")


def _message(visit: Visit, number: int, row: ConversationMessageRow, name: str) -> JsonObject:
    when = moment(visit, row["created_at"])
    is_deleted = row["deleted_at"] is not None
    status = row["status"] or ""
    return {
        "id": row["id"],
        "seq": row["seq"],
        "side": _side(row),
        "author": _author(visit, row, name),
        "kind": row["kind"],
        "body": _event(visit, row) if row["kind"] == "event" else markdown.clean(row["body"]),
        "raw": row["body"],
        "media": _media(visit, number, row),
        "lesson": _lesson(visit, row),
        "buttons": _buttons(row["buttons"]),
        "time": f"{when:%H:%M}",
        "moment": row["created_at"],
        "reply_to": row["reply_to"],
        "status": status,
        "state": _state(visit, row),
        "can_retry": status in _AGAIN and row["source"] == "staff" and not _is_upload(row["media"]),
        "can_edit": row["can_edit"] or (status == "queued" and row["source"] == "staff"),
        "can_cancel": status == "queued" and row["source"] == "staff",
        "can_reply": row["source"] in ("user", "staff")
        and row["kind"] != "note"
        and not is_deleted
        and status in ("", "sent"),
        "can_reuse": is_reusable(row["source"], row["kind"], row["deleted_at"]) and status == "sent",
        "is_edited": row["is_edited"],
        "revisions": row["revisions"],
        "is_deleted": is_deleted,
    }


def _side(row: ConversationMessageRow) -> str:
    if row["kind"] in ("event", "note"):
        return row["kind"]
    return "in" if row["direction"] == 0 else "out"


def _author(visit: Visit, row: ConversationMessageRow, name: str) -> str:
    if row["author"]:
        return markdown.clean(row["author"]["name"])
    return name if row["source"] == "user" else visit.text(f"messenger_by_{row['source']}")


def _event(visit: Visit, row: ConversationMessageRow) -> str:
    """Return what happened: of the team, or a tap of the user on a button."""
    if row["source"] == "user":
        label = markdown.clean(row["body"])
        return visit.text("messenger_tapped", label=label) if label else visit.text("messenger_tapped_old")
    if row["body"] not in _EVENTS:
        return markdown.clean(row["body"])
    values = row["media"] if isinstance(row["media"], dict) else {}
    who = markdown.clean(row["author"]["name"]) if row["author"] else visit.text("messenger_by_system")
    to = markdown.clean(str(values.get("name") or ""))
    return visit.text(f"messenger_event_{row['body']}", who=who, to=to, rating=values.get("rating") or 0)


def _state(visit: Visit, row: ConversationMessageRow) -> str:
    """Return how the delivery of a message stands, with the reason of a failure."""
    status = row["status"]
    if status is None or (status == "sent" and row["source"] != "staff"):
        return ""
    if status == "failed":
        reason = row["error"] or ""
        known = visit.text(f"messenger_reason_{reason}") if reason in _REASONS else markdown.clean(reason)
        return visit.text("messenger_failed", reason=known) if known else visit.text("messenger_failed_plain")
    if status == "queued" and row["send_after"] and datetime.fromisoformat(row["send_after"]) > clock.now():
        return visit.text("messenger_later", date=visit.date(row["send_after"], with_time=True))
    return visit.text(f"messenger_status_{status}")


def _is_upload(media: JsonValue) -> bool:
    return isinstance(media, dict) and bool(media.get("upload"))


def _lesson(visit: Visit, row: ConversationMessageRow) -> JsonObject | None:
    """Return title and address of the lesson that a message asks about."""
    asked = row["media"].get("lesson_question") if isinstance(row["media"], dict) else None
    if not isinstance(asked, dict):
        return None
    titles = asked.get("titles")
    lesson = str(asked.get("lesson"))
    title = texts.pick(visit.language, titles) if isinstance(titles, dict) and titles else lesson
    return {
        "title": markdown.clean(title),
        "address": visit.url(f"/courses/{asked.get('course')}/{lesson}"),
        "answers": visit.url(_QUESTIONS) if visit.offers(_QUESTIONS) else "",
    }


def _media(visit: Visit, number: int, row: ConversationMessageRow) -> JsonObject | None:
    """Return the file or place of a message."""
    media, kind = row["media"], row["kind"]
    if not isinstance(media, dict) or kind == "event" or set(media) == {"lesson_question"}:
        return None
    size = media.get("size")
    found: JsonObject = {
        "what": kind,
        "label": visit.text(f"messenger_kind_{kind}"),
        "name": markdown.clean(str(media.get("name") or media.get("title") or "")),
        "size": visit.text("messenger_size", size=-(-size // 1024)) if isinstance(size, int) else "",
        "address": "",
        "is_too_large": isinstance(size, int) and size > LARGEST_FILE,
        "phone": markdown.clean(str(media.get("phone") or "")),
    }
    if kind in _SHOWN and media.get("file_id"):
        found["address"] = visit.url(f"/messenger/{number}/files/{row['id']}")
    latitude, longitude = media.get("latitude"), media.get("longitude")
    if isinstance(latitude, int | float) and isinstance(longitude, int | float):
        found["place"] = f"{latitude:.5f}, {longitude:.5f}"
        found["map"] = (
            f"https://www.openstreetmap.org/?mlat={latitude:.5f}&mlon={longitude:.5f}#map=16/{latitude:.5f}/{longitude:.5f}"
        )
    return found


def _buttons(buttons: JsonValue) -> list[str]:
    """Return the labels of a message's buttons."""
    labels = []
    for row in buttons if isinstance(buttons, list) else ():
        for button in row if isinstance(row, list) else ():
            label = button.get("text") if isinstance(button, dict) else button
            labels.append(markdown.clean(str(label or "")))
    return labels


def viewers(visit: Visit, rows: Sequence[ConversationViewers]) -> str:
    """Return who else has the conversation open, and who is typing."""
    typing = [markdown.clean(one["name"]) for one in rows if one["is_typing"]]
    if typing:
        return visit.text("messenger_typing", names=", ".join(typing))
    names = [markdown.clean(one["name"]) for one in rows]
    return visit.text("messenger_viewing", names=", ".join(names)) if names else ""
