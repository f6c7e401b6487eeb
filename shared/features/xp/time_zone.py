"""The time zone of the user's days: chosen by a button or sent as a city or an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from telebot.types import CallbackQuery, Message

from shared.core import clock, db
from shared.core.texts import Text
from shared.features.xp import zone_names
from shared.features.xp.streak import state
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import SetTimeZone

router = Router()

_AWAITING = "time_zone"
_SET = "zone:set:"
_SHOWN = 40  # characters of an unknown name in the answer


@router.callback_query_handler(data="zone(:cancel)?", private_only=True, page="streak")
def choose(_call: CallbackQuery) -> None:
    """Offer common time zones, each with the time there."""
    context = current_context()
    now = state(context)
    zone = zone_names.label(context.language, now["next_time_zone"] or now["time_zone"], clock.now())
    context.show(context.rich("zone", zone=zone), _zones(context))


@router.callback_query_handler(data=_SET + ".{1,50}", private_only=True, page="streak")
def set_zone(call: CallbackQuery) -> None:
    """Set the time zone of a button."""
    context = current_context()
    zone = (call.data or "").removeprefix(_SET)
    if zone not in zone_names.COMMON:
        return context.answer_callback(context.text("button_old"), alert=True)
    return context.show(*_change(context, zone))


@router.callback_query_handler(data="zone:ask", private_only=True, page="streak")
def ask(_call: CallbackQuery) -> None:
    """Ask for a city or an offset; the next message is taken as one."""
    context = current_context()
    waits.begin(context, _AWAITING)
    context.show(context.rich("zone_ask"), [[(context.text("board_button_cancel"), "zone:cancel")]])


@router.message_handler(state=_AWAITING)
def take_zone(message: Message) -> None:
    """Set the time zone that the user sent."""
    context, written = current_context(), message.text or ""
    waits.end(context)
    zone = zone_names.find(written)
    reply(*(_change(context, zone) if zone else _unknown(context, written)))


def _change(context: UpdateContext, zone: str) -> tuple[Text, Keyboard]:
    changed = save(context.user.id, zone)
    if changed["outcome"] == "unknown_zone":  # of another version of the database of time zones
        return _unknown(context, zone)
    if changed["outcome"] == "too_soon":
        return context.rich("zone_too_soon"), _streak(context)
    key = "zone_scheduled" if changed["outcome"] == "scheduled" else "zone_set"
    shown = zone_names.label(context.language, zone, clock.now())
    return context.rich(key, zone=shown), _streak(context)


def save(user_id: int, zone: str) -> SetTimeZone:
    """Set a user's time zone, an IANA name."""
    changed: SetTimeZone = db.call("set_time_zone", p_user_id=user_id, p_time_zone=zone)
    return changed


def _unknown(context: UpdateContext, written: str) -> tuple[Text, Keyboard]:
    name = " ".join(written.split())[:_SHOWN]
    again = [(context.text("zone_button_other"), "zone:ask")]
    return context.rich("zone_unknown", name=name), [again, *_streak(context)]


def _zones(context: UpdateContext) -> Keyboard:
    now = clock.now()
    buttons = [
        (
            context.text(
                "zone_button",
                time=f"{now.astimezone(ZoneInfo(zone)):%H:%M}",
                city=zone_names.city(context.language, zone),
            ),
            _SET + zone,
        )
        for zone in zone_names.COMMON
    ]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    return [*rows, [(context.text("zone_button_other"), "zone:ask")], *_streak(context)]


def _streak(context: UpdateContext) -> Keyboard:
    return [[(context.text("streak_button_back"), "streak")]]
