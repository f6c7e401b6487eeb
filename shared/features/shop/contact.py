"""The e-mail address or phone number for receipts: asked for while buying, changed in /profile."""

from __future__ import annotations

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.texts import Text
from shared.telegram import current_context, waits
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

router = Router()

AWAITS = "receipt_contact"  # the wait
AWAITS_AGAIN = "receipt_contact:again"  # after a message that is no contact
_KEPT = "receipt_contact"  # in session_data
_PENDING = "buying"  # the payment that waits for it


def stored_contact(context: UpdateContext) -> str | None:
    """Return the stored contact, None if providers would not accept it."""
    from shared.payments import contacts  # only buyers need it

    found = context.data.get(_KEPT)
    return contacts.parse_contact(str(found)) if found else None  # it may be older than this check


def row(context: UpdateContext) -> Keyboard:
    """Return the button that shows the contact, if one is stored."""
    return [[(context.text("menu_contact"), "contact")]] if context.data.get(_KEPT) else []


def ask(context: UpdateContext, text: Text, pending: str | None) -> None:
    """Ask for a contact in the next message, after which the payment `pending` continues."""
    waits.begin(context, AWAITS)
    context.set_data(_PENDING, pending)
    context.show(text, cancel_button(context))


def cancel_button(context: UpdateContext) -> Keyboard:
    """Return the button that stops asking."""
    return [[(context.text("contact_cancel"), "contact:cancel")]]


def stop_asking(context: UpdateContext) -> str | None:
    """Return the payment that waited for a contact until this button, or None."""
    if context.ended_wait not in (AWAITS, AWAITS_AGAIN):
        return None
    pending = context.data.get(_PENDING)
    context.set_data(_PENDING, None)
    return str(pending) if pending else None


def take(context: UpdateContext, contact: str) -> str | None:
    """Store a contact; return the payment that waits for it, or None."""
    pending = context.data.get(_PENDING)
    waits.end(context)
    context.set_data(_PENDING, None)
    context.set_data(_KEPT, contact)
    return str(pending) if pending else None


def forget(context: UpdateContext) -> None:
    """Delete the contact."""
    context.set_data(_KEPT, None)


def show_page(context: UpdateContext) -> None:
    """Show the contact and what can be done with it."""
    found = context.data.get(_KEPT)
    if not found:
        return context.show(
            context.rich("contact_none"),
            [[(context.text("contact_add"), "contact:change")], *_profile(context)],
        )
    return context.show(
        context.rich("contact", contact=found),
        [
            [
                (context.text("contact_change"), "contact:change"),
                (context.text("contact_remove"), "contact:remove"),
            ],
            *_profile(context),
        ],
    )


def save(context: UpdateContext, contact: str) -> None:
    """Show the stored contact, and use it for the receipts of active renewals."""
    if context.is_offline:
        raise StateUnavailable
    db.call("change_receipt_contact", p_user_id=context.user.id, p_contact=contact)
    show_page(context)


@router.callback_query_handler(data="contact", private_only=True, page="profile")
def show(_call: CallbackQuery) -> None:
    """Show the contact under the button of the profile."""
    show_page(current_context())


@router.callback_query_handler(data="contact:change", private_only=True, page="profile")
def change(_call: CallbackQuery) -> None:
    """Ask for another contact."""
    context = current_context()
    ask(context, context.rich("contact_ask"), None)


@router.callback_query_handler(data="contact:remove", private_only=True, page="profile")
def remove(_call: CallbackQuery) -> None:
    """Delete the contact; the user is asked again when one is needed."""
    context = current_context()
    forget(context)
    context.answer_callback(context.text("contact_removed"))
    show_page(context)


def _profile(context: UpdateContext) -> Keyboard:
    return [[(context.text("contact_back"), "profile")]]
