"""/stats: users, requests and cost as a picture of 30 days with its figures; then revenue and conversion."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from telebot.types import Message

from shared.bots.assistant import bot
from shared.bots.assistant.drawing import send_drawing
from shared.core import db, texts
from shared.core.texts import Text, figures
from shared.telegram import current, reply
from shared.telegram.unit import StateUnavailable, Unit

if TYPE_CHECKING:
    from shared.core.pictures.overview import OverviewPicture, Tile

Overview = dict[str, Any]  # what admin_overview returns
_PERIODS = ("day", "week", "month")
_MODELS = 3  # in the words; with five long names they would not fit under a picture
_NAME = 40  # characters of a model's name


@bot.admin_command("stats")
def stats(_message: Message) -> None:
    """Show the figures."""
    unit = current()
    if unit.is_offline:
        raise StateUnavailable
    overview: Overview = db.call("admin_overview", p_admin_email=unit.person.admin_email)
    from shared.core.pictures.overview import draw  # with Pillow 60 ms, and few ask for it

    send_drawing(unit, lambda: draw(_picture(unit, overview)), _caption(unit, overview))
    # A message of its own: under a picture 1024 characters fit.
    reply(_revenue(unit, db.call("admin_revenue", p_admin_email=unit.person.admin_email)))


def _revenue(unit: Unit, revenue: Overview) -> Text:
    """Return what was sold in each currency, and how many new users became buyers."""

    parts = [unit.rich("stats_money")]
    for one in revenue["currencies"]:
        sums = {
            kind: " · ".join(_sum(unit, one[period][kind], one["currency"]) for period in _PERIODS)
            for kind in ("gross", "refunds", "net")
        }
        name = unit.text("stats_stars") if one["currency"] == "XTR" else one["currency"]
        parts.append(unit.rich("stats_money_currency", currency=name, **sums))
    if not revenue["currencies"]:
        parts.append(unit.rich("stats_money_none"))
    counts = {
        kind: " · ".join(_number(unit, revenue[period][kind]) for period in _PERIODS)
        for kind in ("payments", "refunds")
    }
    paying = {period: _paying(unit, revenue[period]) for period in _PERIODS}
    parts += [unit.rich("stats_money_counts", **counts), unit.rich("stats_paying", **paying)]
    return texts.joined(*parts, separator="\n\n")


def _paying(unit: Unit, period: Overview) -> str:
    paid, new = (_number(unit, period[name]) for name in ("paid", "new"))
    return unit.text("stats_paying_of", paid=paid, new=new, share=_share(unit, period["paid"], period["new"]))


def _sum(unit: Unit, amount: str, currency: str) -> str:
    return figures.money(unit.language, Decimal(amount), currency)


def _caption(unit: Unit, overview: Overview) -> Text:
    def three(figure: str) -> str:
        return " · ".join(_number(unit, overview[period][figure]) for period in _PERIODS)

    month = overview["month"]
    lines = [
        unit.rich("stats_head"),
        unit.rich(
            "stats_people",
            people=_number(unit, overview["people"]),
            sessions=_number(unit, overview["active_sessions"]),
        ),
        unit.rich("stats_new", figures=three("new")),
        unit.rich("stats_active", figures=three("active")),
        unit.rich("stats_requests", figures=three("requests")),
        unit.rich("stats_calls", figures=three("calls")),
        unit.rich(
            "stats_errors", figures=three("errors"), share=_share(unit, month["errors"], month["calls"])
        ),
        unit.rich(
            "stats_tokens",
            tokens_in=_number(unit, month["tokens_in"]),
            tokens_out=_number(unit, month["tokens_out"]),
        ),
        unit.rich("stats_cost", figures=" · ".join(_money(unit, overview[p]["cost"]) for p in _PERIODS)),
        *_models(unit, overview["models"]),
    ]
    return texts.joined(*lines, separator="\n")


def _models(unit: Unit, models: list[Overview]) -> list[Text]:
    if not models:
        return []
    lines = [
        unit.rich(
            "stats_model",
            model=model["model"][:_NAME],
            requests=model["requests"],
            cost=_money(unit, model["cost"]),
        )
        for model in models[:_MODELS]
    ]
    return [unit.rich("stats_models"), *lines]


def _picture(unit: Unit, overview: Overview) -> OverviewPicture:
    from shared.core.pictures.overview import PEOPLE, REQUESTS, Bar, Chart, OverviewPicture

    days = overview["days"]
    labels = [figures.day(unit.language, date.fromisoformat(day["day"]), short=True) for day in days]
    requests = [Bar(label, day["requests"], day["errors"]) for label, day in zip(labels, days, strict=True)]
    people = [
        Bar(label, max(day["active"] - day["new"], 0), day["new"])
        for label, day in zip(labels, days, strict=True)
    ]
    today = date.fromisoformat(days[-1]["day"])
    return OverviewPicture(
        title=unit.text("stats_picture"),
        date=figures.day(unit.language, today),
        tiles=_tiles(unit, overview),
        charts=[
            Chart(
                title=unit.text("stats_picture_requests"),
                about=_most(unit, days, "requests"),
                bars=requests,
                top=unit.text("stats_picture_errors"),
                nothing=unit.text("stats_picture_nothing"),
                colors=REQUESTS,
            ),
            Chart(
                title=unit.text("stats_picture_people"),
                about=_most(unit, days, "active"),
                bars=people,
                top=unit.text("stats_picture_new"),
                nothing=unit.text("stats_picture_nothing"),
                colors=PEOPLE,
            ),
        ],
    )


def _most(unit: Unit, days: list[Overview], figure: str) -> str:
    most = max(day[figure] for day in days)
    return unit.text("stats_picture_most", most=_number(unit, most)) if most else ""


def _tiles(unit: Unit, overview: Overview) -> list[Tile]:
    from shared.core.pictures.overview import Tile

    day, week, month = (overview[period] for period in _PERIODS)
    return [
        Tile(
            unit.text("stats_tile_people"),
            _number(unit, overview["people"]),
            [
                unit.text("stats_tile_today", figure=_plus(unit, day["new"])),
                _month(unit, _plus(unit, month["new"])),
            ],
        ),
        Tile(
            unit.text("stats_tile_active"),
            _number(unit, day["active"]),
            [_week(unit, week["active"]), _month(unit, _number(unit, month["active"]))],
        ),
        Tile(
            unit.text("stats_tile_requests"),
            _number(unit, day["requests"]),
            [_week(unit, week["requests"]), _month(unit, _number(unit, month["requests"]))],
        ),
        Tile(
            unit.text("stats_tile_cost"),
            _money(unit, day["cost"]),
            [
                unit.text("stats_tile_week", figure=_money(unit, week["cost"])),
                _month(unit, _money(unit, month["cost"])),
            ],
        ),
    ]


def _week(unit: Unit, figure: int) -> str:
    return unit.text("stats_tile_week", figure=_number(unit, figure))


def _month(unit: Unit, figure: str) -> str:
    return unit.text("stats_tile_month", figure=figure)


def _plus(unit: Unit, figure: int) -> str:
    return f"+{_number(unit, figure)}" if figure else "0"


def _number(unit: Unit, value: int) -> str:
    return figures.number(unit.language, value)


def _money(unit: Unit, amount: str) -> str:
    return figures.money(unit.language, Decimal(amount), "USD")


def _share(unit: Unit, part: int, whole: int) -> str:
    """Return how much of the whole a part is, in percent with one decimal."""
    percent = Decimal(100 * part / whole if whole else 0).quantize(Decimal("0.1"))
    return figures.number(unit.language, percent)
