"""/profile: the user's Telegram ID, plan, limits, balance and level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.config import settings
from shared.core.texts import Text, concat, figures
from shared.features import shop, xp
from shared.features.account.renewal import paid_time
from shared.features.common.menu import back
from shared.features.common.plans import plan_name
from shared.features.common.quota import resets
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import SubscriptionOverview

router = Router()


@router.message_handler(commands=["profile"], private_only=True, works_offline=True)
def profile(_message: Message) -> None:
    """Show the profile."""
    context = current_context()
    reply(_profile(context), _buttons(context))


@router.callback_query_handler(data="profile", private_only=True, page="profile", works_offline=True)
def show_profile(_call: CallbackQuery) -> None:
    """Show the profile under the menu's button."""
    context = current_context()
    context.show(_profile(context), _buttons(context))


def _buttons(context: UpdateContext) -> Keyboard:
    progress = xp.profile_buttons(context) if _has_progress(context) else []
    usage = [[(context.text("menu_usage"), "usage")]] if context.bot.answers_text_with_ai else []
    contact = shop.contact_row(context) if context.bot.is_metered else []
    return [*usage, *progress, *contact, *back(context)]


def _has_progress(context: UpdateContext) -> bool:
    """Return whether the bot shows levels, and the database can be asked about them."""
    is_known = not context.is_offline and context.user.created_at is not None
    return is_known and context.bot.has_command("top")


def _profile(context: UpdateContext) -> Text:
    user, usage = context.user, context.usage
    if context.is_offline or user.created_at is None:
        key = "profile_offline" if settings().database_enabled else "profile_without_database"
        return context.rich(key, id=user.telegram_id)
    values = {
        "id": user.telegram_id,
        "since": context.date(user.created_at),
        "plan": plan_name(context),
        "balance": figures.money(context.language, user.balance, user.currency),
        "paid": "".join(f"{line}\n" for line in _paid_time(context)),
        "month": _month(context),
        "bonus": _bonus(context),
    }
    if not context.bot.answers_text_with_ai:  # no requests to count
        text = context.rich("profile_no_chat" if context.bot.is_metered else "profile_free", **values)
    elif usage.daily_requests is None:
        text = context.rich("profile_unlimited", used=usage.requests, **values)
    else:
        used = min(usage.requests, usage.daily_requests)
        text = context.rich(
            "profile", used=used, limit=usage.daily_requests, resets=resets(context), **values
        )
    return concat(text, xp.profile_text(context), separator="\n\n") if _has_progress(context) else text


def _month(context: UpdateContext) -> str:
    """Return the line about the month's requests, where the plan limits them."""
    usage = context.usage
    if usage.monthly_requests is None:
        return ""
    used = min(usage.month_requests, usage.monthly_requests)
    return context.text("profile_month", used=used, limit=usage.monthly_requests) + "\n"


def _bonus(context: UpdateContext) -> str:
    """Return the line about bonus requests, where there are any."""
    credits_ = context.usage.bonus_credits
    return context.text("profile_bonus", credits=credits_) + "\n" if credits_ else ""


def _paid_time(context: UpdateContext) -> list[str]:
    """Return lines on when the paid plan ends and whether it renews; none on the free plan."""
    if context.usage.plan == "FREE":
        return []
    overview: SubscriptionOverview = db.call("subscription_overview", p_user_id=context.user.id)
    return paid_time(context, context.usage.plan, overview)
