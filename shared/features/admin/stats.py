"""/stats: users, requests and cost as a picture of 30 days; then revenue, with a button to figures by bot."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from telebot.types import CallbackQuery, Message

from shared.core import db, texts
from shared.core.texts import Text, figures
from shared.features.admin.users import button_arguments
from shared.features.common.drawing import send_drawing
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AdminBotStats,
        AdminOverview,
        AdminOverviewDays,
        AdminOverviewModels,
        AdminRevenue,
        AdminRevenueDay,
    )
    from shared.features.admin.overview_picture import OverviewPicture, Tile

router = Router()

_PERIODS: tuple[Literal["day", "week", "month"], ...] = ("day", "week", "month")
_MODELS = 3  # in the caption: five long names would not fit
_BOTS = 9  # buttons
_BOT_NAME = 32
_NAME = 40  # characters of a model's name


@router.message_handler(commands=["stats"], admin=True)
def stats(_message: Message) -> None:
    """Show the figures."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    overview: AdminOverview = db.call("admin_overview", p_admin_email=context.user.admin_email)
    from shared.features.admin.overview_picture import draw  # Pillow takes 60 ms to import

    send_drawing(context, lambda: draw(_picture(context, overview)), _caption(context, overview))
    # A message of its own: under a picture 1024 characters fit.
    revenue: AdminRevenue = db.call("admin_revenue", p_admin_email=context.user.admin_email)
    reply(
        _revenue(context, revenue),
        [
            [(context.text("stats_by_bot"), "admin:bot_stats:")],
            [(context.text("analytics_report_on_button"), "report:on")],
        ],
    )


@router.callback_query_handler(data=r"admin:bot_stats:\w{0,32}", admin=True)
def bot_stats(call: CallbackQuery) -> None:
    """Show the figures of the bot that the button names, or of all together."""
    context = current_context()
    bot = button_arguments(call)[0] or None
    found: AdminBotStats = db.call("admin_bot_stats", p_admin_email=context.user.admin_email, p_bot=bot)
    context.show(_bot_figures(context, found), _bot_keyboard(context, found))


def _bot_figures(context: UpdateContext, found: AdminBotStats) -> Text:
    def three(figure: Literal["new", "active", "trainings"]) -> str:
        return " · ".join(_number(context, found[figure][period]) for period in _PERIODS)

    has_trainings = found["trainings"]["total"] > 0
    funnel = found["funnel"]
    steps = [("bot_stats_answered", funnel["answered"]), ("bot_stats_paid", funnel["paid"])]
    if has_trainings:
        steps.insert(1, ("bot_stats_finished", funnel["finished"]))
    lines = [
        context.rich("bot_stats_head", bot=found["bot"] or context.text("bot_stats_all")),
        context.rich(
            "bot_stats_now",
            users=_number(context, found["users"]),
            sessions=_number(context, found["active_sessions"]),
            messages=_number(context, found["messages"]),
            requests=_number(context, found["requests"]),
            xp=_number(context, found["total_xp"]),
        ),
        context.rich("bot_stats_periods", new=three("new"), active=three("active")),
        *([context.rich("bot_stats_trainings", figures=three("trainings"))] if has_trainings else []),
        context.rich("bot_stats_funnel", started=_number(context, funnel["started"])),
        *(
            context.rich(
                key,
                count=_number(context, count),
                share=_share(context, count, funnel["started"]),
            )
            for key, count in steps
        ),
    ]
    return texts.concat(*lines, separator="\n")


def _bot_keyboard(context: UpdateContext, found: AdminBotStats) -> Keyboard:
    others = [bot for bot in found["bots"] if bot != found["bot"]][:_BOTS]
    buttons = [(bot, f"admin:bot_stats:{bot}") for bot in others if len(bot) <= _BOT_NAME]
    if found["bot"]:
        buttons.insert(0, (context.text("bot_stats_all"), "admin:bot_stats:"))
    return [buttons[start : start + 2] for start in range(0, len(buttons), 2)]


def _revenue(context: UpdateContext, revenue: AdminRevenue) -> Text:
    """Return what was sold in each currency, and how many new users became buyers."""

    button_arguments = [context.rich("stats_money")]
    for one in revenue["currencies"]:
        sums = {
            kind: " · ".join(_sum(context, one[period][kind], one["currency"]) for period in _PERIODS)
            for kind in ("gross", "refunds", "net")
        }
        name = context.text("stats_stars") if one["currency"] == "XTR" else one["currency"]
        button_arguments.append(context.rich("stats_money_currency", currency=name, **sums))
    if not revenue["currencies"]:
        button_arguments.append(context.rich("stats_money_none"))
    counts = {
        kind: " · ".join(_number(context, revenue[period][kind]) for period in _PERIODS)
        for kind in ("payments", "refunds")
    }
    paying = {period: _paying(context, revenue[period]) for period in _PERIODS}
    button_arguments += [context.rich("stats_money_counts", **counts), context.rich("stats_paying", **paying)]
    return texts.concat(*button_arguments, separator="\n\n")


def _paying(context: UpdateContext, period: AdminRevenueDay) -> str:
    paid, new = (_number(context, period[name]) for name in ("paid", "new"))
    return context.text(
        "stats_paying_of", paid=paid, new=new, share=_share(context, period["paid"], period["new"])
    )


def _sum(context: UpdateContext, amount: str, currency: str) -> str:
    return figures.money(context.language, Decimal(amount), currency)


def _caption(context: UpdateContext, overview: AdminOverview) -> Text:
    def three(figure: Literal["active", "new", "requests", "calls", "errors"]) -> str:
        return " · ".join(_number(context, overview[period][figure]) for period in _PERIODS)

    month = overview["month"]
    lines = [
        context.rich("stats_head"),
        context.rich(
            "stats_users",
            users=_number(context, overview["users"]),
            sessions=_number(context, overview["active_sessions"]),
        ),
        context.rich("stats_new", figures=three("new")),
        context.rich("stats_active", figures=three("active")),
        context.rich("stats_requests", figures=three("requests")),
        context.rich("stats_calls", figures=three("calls")),
        context.rich(
            "stats_errors", figures=three("errors"), share=_share(context, month["errors"], month["calls"])
        ),
        context.rich(
            "stats_tokens",
            tokens_in=_number(context, month["tokens_in"]),
            tokens_out=_number(context, month["tokens_out"]),
        ),
        context.rich(
            "stats_cost", figures=" · ".join(_money(context, overview[p]["cost"]) for p in _PERIODS)
        ),
        *_models(context, overview["models"]),
    ]
    return texts.concat(*lines, separator="\n")


def _models(context: UpdateContext, models: list[AdminOverviewModels]) -> list[Text]:
    if not models:
        return []
    lines = [
        context.rich(
            "stats_model",
            model=model["model"][:_NAME],
            requests=model["requests"],
            cost=_money(context, model["cost"]),
        )
        for model in models[:_MODELS]
    ]
    return [context.rich("stats_models"), *lines]


def _picture(context: UpdateContext, overview: AdminOverview) -> OverviewPicture:
    from shared.features.admin.overview_picture import REQUESTS, USERS, Bar, Chart, OverviewPicture

    days = overview["days"]
    labels = [figures.day(context.language, date.fromisoformat(day["day"]), short=True) for day in days]
    requests = [Bar(label, day["requests"], day["errors"]) for label, day in zip(labels, days, strict=True)]
    users = [
        Bar(label, max(day["active"] - day["new"], 0), day["new"])
        for label, day in zip(labels, days, strict=True)
    ]
    today = date.fromisoformat(days[-1]["day"])
    return OverviewPicture(
        title=context.text("stats_picture"),
        date=figures.day(context.language, today),
        tiles=_tiles(context, overview),
        charts=[
            Chart(
                title=context.text("stats_picture_requests"),
                about=_most(context, days, "requests"),
                bars=requests,
                top=context.text("stats_picture_errors"),
                nothing=context.text("stats_picture_nothing"),
                colors=REQUESTS,
            ),
            Chart(
                title=context.text("stats_picture_users"),
                about=_most(context, days, "active"),
                bars=users,
                top=context.text("stats_picture_new"),
                nothing=context.text("stats_picture_nothing"),
                colors=USERS,
            ),
        ],
    )


def _most(
    context: UpdateContext, days: list[AdminOverviewDays], figure: Literal["requests", "active"]
) -> str:
    most = max(day[figure] for day in days)
    return context.text("stats_picture_most", most=_number(context, most)) if most else ""


def _tiles(context: UpdateContext, overview: AdminOverview) -> list[Tile]:
    from shared.features.admin.overview_picture import Tile

    day, week, month = (overview[period] for period in _PERIODS)
    return [
        Tile(
            context.text("stats_tile_people"),
            _number(context, overview["users"]),
            [
                context.text("stats_tile_today", figure=_plus(context, day["new"])),
                _month(context, _plus(context, month["new"])),
            ],
        ),
        Tile(
            context.text("stats_tile_active"),
            _number(context, day["active"]),
            [_week(context, week["active"]), _month(context, _number(context, month["active"]))],
        ),
        Tile(
            context.text("stats_tile_requests"),
            _number(context, day["requests"]),
            [_week(context, week["requests"]), _month(context, _number(context, month["requests"]))],
        ),
        Tile(
            context.text("stats_tile_cost"),
            _money(context, day["cost"]),
            [
                context.text("stats_tile_week", figure=_money(context, week["cost"])),
                _month(context, _money(context, month["cost"])),
            ],
        ),
    ]


def _week(context: UpdateContext, figure: int) -> str:
    return context.text("stats_tile_week", figure=_number(context, figure))


def _month(context: UpdateContext, figure: str) -> str:
    return context.text("stats_tile_month", figure=figure)


def _plus(context: UpdateContext, figure: int) -> str:
    return f"+{_number(context, figure)}" if figure else "0"


def _number(context: UpdateContext, value: int) -> str:
    return figures.number(context.language, value)


def _money(context: UpdateContext, amount: str) -> str:
    """Return a cost; of one below a cent only that, because $0 would say that nothing was spent."""
    cost, cent = Decimal(amount), Decimal("0.01")
    return f"<{_dollars(context, cent)}" if 0 < cost < cent else _dollars(context, cost)


def _dollars(context: UpdateContext, amount: Decimal) -> str:
    return figures.money(context.language, amount, "USD")


def _share(context: UpdateContext, part: int, whole: int) -> str:
    """Return how much of the whole a part is, in percent with one decimal."""
    percent = Decimal(100 * part / whole if whole else 0).quantize(Decimal("0.1"))
    return figures.number(context.language, percent)
