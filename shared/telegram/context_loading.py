"""Builds the context of an update: from the result of `receive_update`, or without a database."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import TYPE_CHECKING, cast

from shared.core import clock, texts
from shared.core.config import settings
from shared.core.json_types import JsonObject
from shared.telegram import waits
from shared.telegram.context import BotInterface, UpdateContext
from shared.telegram.conversation import load_conversation
from shared.telegram.update import Update
from shared.telegram.user import Ban, Usage, User, UserApiKey

if TYPE_CHECKING:
    from shared.core.sql_types import ReceiveUpdate, ReceiveUpdateUsage, ReceiveUpdateUser


def load_context(
    bot: BotInterface, update: Update, received: ReceiveUpdate, started: float, can_hold: bool
) -> UpdateContext:
    """Return the context of a received update.

    Args:
        received: the result of `receive_update` with outcome `work`.
        started: time.monotonic() at which the request arrived.
        can_hold: see `UpdateContext`.
    """
    user, session = received["user"], received["session"]
    key, releases_left = received.get("user_api_key"), received.get("releases_left")
    context = UpdateContext(
        bot=bot,
        update=update,
        user=_user(user, update.sender_name),
        usage=_usage(received["usage"]),
        language=texts.choose(user["language"], user["language_code"]),
        mode=session["mode"],
        data=_session_data(update, session["data"]),
        history=cast("list[dict[str, str]]", received["history"]),
        reservation=received["reservation"],
        attempt=received["attempt"],
        failures=received["failures"],
        deadline=started + settings().response_timeout,
        can_hold=can_hold,
        user_api_key=UserApiKey(**key) if key else None,
        releases_left=1 if releases_left is None else releases_left,
        edited_question=received.get("edited_question"),
        conversation=load_conversation(received.get("conversation")),
        memory=received.get("memory") or [],
        is_old_edit=received.get("is_old_edit") or False,
        articles=cast("list[JsonObject]", received.get("articles") or []),
        has_articles=received.get("articles") is not None,
        required_channel=received.get("required_channel"),
    )
    waits.end_expired(context)
    if (messenger := received.get("messenger")) is not None:
        from shared.telegram.messenger.state import load_messenger

        context.messenger = load_messenger(context, messenger)
    return context


def offline_context(bot: BotInterface, update: Update, *, may_ask_ai: bool = False) -> UpdateContext:
    """Return a context without a database: it knows only the update and stores no changes."""
    sender = update.user or {"id": update.chat_id}
    return UpdateContext(
        bot=bot,
        update=update,
        user=User(
            id=0,
            telegram_id=sender["id"],
            name=update.sender_name,
            is_new=False,
            balance=Decimal(0),
            currency="",
            created_at=None,
            is_admin=sender["id"] in settings().admin_telegram_ids,
        ),
        usage=Usage(
            plan="FREE",
            requests=0,
            daily_requests=None,
            resets_at=clock.now(),
            timezone="UTC",
            features=frozenset({"modes"}),  # lets buttons name modes; changing the mode is refused
        ),
        language=texts.choose(sender.get("language_code")),
        mode="chat",
        data={},
        history=[],
        reservation="reserved" if may_ask_ai else "refused",
        attempt=0,
        failures=0,
        deadline=monotonic() + settings().response_timeout,
        is_offline=True,
    )


def _user(row: ReceiveUpdateUser, name: str) -> User:
    return User(
        id=row["id"],
        telegram_id=row["telegram_id"],
        name=name,
        is_new=row["is_new"],
        balance=Decimal(row["balance"]),
        currency=row["currency"],
        created_at=datetime.fromisoformat(row["created_at"]),
        is_admin=row["is_admin"],
        admin_email=row["admin_email"] or "",
        ban=Ban(row["ban"]["reason"], row["ban"]["notified"]) if row["ban"] else None,
        gate=row["gate"],
        price_currency=row["price_currency"],
        level=row["level"],
        memory_enabled=row["memory_enabled"],
        total_xp=row["total_xp"],
    )


def _usage(row: ReceiveUpdateUsage) -> Usage:
    return Usage(
        plan=row["plan"],
        requests=row["requests"],
        daily_requests=row["daily_requests"],
        resets_at=datetime.fromisoformat(row["resets_at"]),
        timezone=row["timezone"],
        month_requests=row["month_requests"],
        monthly_requests=row["monthly_requests"],
        month_resets_at=datetime.fromisoformat(row["month_resets_at"]),
        bonus_credits=row["bonus_credits"],
        features=frozenset(row["features"]),
    )


def _session_data(update: Update, data: JsonObject) -> JsonObject:
    """Return the session's data; a relayed message answers no question that the bot asked."""
    if not update.is_relayed:
        return data
    return waits.for_relayed(data, is_document=update.is_relayed_document)
