"""The e-mail address or phone number for receipts: asked for while buying, changed in /profile."""

from __future__ import annotations

from telebot.types import CallbackQuery

from shared.bots.assistant import bot
from shared.core import db
from shared.core.texts import Text
from shared.telegram import current
from shared.telegram.unit import Keyboard, StateUnavailable, Unit

AWAITS = "receipt_contact"  # session_data.awaiting
AWAITS_AGAIN = "receipt_contact:again"  # after a message that is no contact
_KEPT = "receipt_contact"  # in session_data
_PENDING = "buying"  # the payment that waits for it


def kept(unit: Unit) -> str | None:
    """Return the contact that was given, None where it is not one that providers take."""
    from shared.payments import contacts  # loaded by buyers alone

    found = unit.data.get(_KEPT)
    return contacts.read(str(found)) if found else None  # it may be older than this check


def row(unit: Unit) -> Keyboard:
    """Return the button that shows the contact, where one is kept."""
    return [[(unit.text("menu_contact"), "contact")]] if unit.data.get(_KEPT) else []


def ask(unit: Unit, text: Text, pending: str | None) -> None:
    """Ask for a contact; the next message is it, and the payment `pending` goes on."""
    unit.set_data("awaiting", AWAITS)
    unit.set_data(_PENDING, pending)
    unit.show(text, cancel_button(unit))


def cancel_button(unit: Unit) -> Keyboard:
    """Return the button that stops asking."""
    return [[(unit.text("contact_cancel"), "contact:cancel")]]


def stop_asking(unit: Unit) -> str | None:
    """Ask for no contact any more; return the payment that waited for it, None where there is none."""
    if str(unit.data.get("awaiting")) not in (AWAITS, AWAITS_AGAIN):
        return None
    pending = unit.data.get(_PENDING)
    unit.set_data("awaiting", None)
    unit.set_data(_PENDING, None)
    return str(pending) if pending else None


def take(unit: Unit, contact: str) -> str | None:
    """Keep a contact; return the payment that waits for it, None where there is none."""
    pending = unit.data.get(_PENDING)
    unit.set_data("awaiting", None)
    unit.set_data(_PENDING, None)
    unit.set_data(_KEPT, contact)
    return str(pending) if pending else None


def forget(unit: Unit) -> None:
    """Keep no contact any more."""
    unit.set_data(_KEPT, None)


def show_page(unit: Unit) -> None:
    """Show the contact and what can be done with it."""
    found = unit.data.get(_KEPT)
    if not found:
        return unit.show(
            unit.rich("contact_none"), [[(unit.text("contact_add"), "contact:change")], *_profile(unit)]
        )
    return unit.show(
        unit.rich("contact", contact=found),
        [
            [
                (unit.text("contact_change"), "contact:change"),
                (unit.text("contact_remove"), "contact:remove"),
            ],
            *_profile(unit),
        ],
    )


def save(unit: Unit, contact: str) -> None:
    """Say that a contact is kept, and send the receipts of running renewals there, too."""
    if unit.is_offline:
        raise StateUnavailable
    db.call("change_receipt_contact", p_user_id=unit.person.id, p_contact=contact)
    show_page(unit)


@bot.callback_query_handler(func=lambda call: call.data == "contact", private_only=True, page="profile")
def show(_call: CallbackQuery) -> None:
    """Show the contact under the button of the profile."""
    show_page(current())


@bot.callback_query_handler(
    func=lambda call: call.data == "contact:change", private_only=True, page="profile"
)
def change(_call: CallbackQuery) -> None:
    """Ask for another contact."""
    unit = current()
    ask(unit, unit.rich("contact_ask"), None)


@bot.callback_query_handler(
    func=lambda call: call.data == "contact:remove", private_only=True, page="profile"
)
def remove(_call: CallbackQuery) -> None:
    """Forget the contact: it is asked for again when it is needed."""
    unit = current()
    forget(unit)
    unit.notice(unit.text("contact_removed"))
    show_page(unit)


def _profile(unit: Unit) -> Keyboard:
    return [[(unit.text("contact_back"), "profile")]]
