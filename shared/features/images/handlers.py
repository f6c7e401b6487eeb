"""/image and /images, the buttons under pictures, and the answer to "what should I draw?"."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.features.images import catalog, drawing, history, input_messages, options, results
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable
from shared.telegram.router import Router, is_for_admin

router = Router()


def _is_available(_message: Message) -> bool:
    """Return whether pictures can be made here; to others than admins the commands do not exist then."""
    return current_context().is_offline or bool(catalog.modes()) or is_for_admin()


@router.message_handler(commands=["image"], func=_is_available)
def image(_message: Message) -> None:
    """Draw what follows the command; edit the picture that it replies to."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    if not catalog.modes():
        return reply(context.rich("image_not_configured"))
    return input_messages.take_command(context)


@router.message_handler(commands=["images"], func=_is_available, private_only=True)
def images(_message: Message) -> None:
    """Show the user's pictures."""
    reply(*history.page(current_context()))


@router.message_handler(state="image")
def describe(_message: Message) -> None:
    """Draw the description that was asked for."""
    context = current_context()
    input_messages.take_text(context, context.bot.without_mention(context.update))


@router.callback_query_handler(data=r"image:ok:[0-9a-f]{16}")
def confirm(call: CallbackQuery) -> None:
    """Order a picture at the price that was shown."""
    drawing.confirm(current_context(), _last(call))


@router.callback_query_handler(data="image:no")
def decline(_call: CallbackQuery) -> None:
    """Order nothing."""
    drawing.decline(current_context())


@router.callback_query_handler(data="image:options")
def show_options(_call: CallbackQuery) -> None:
    """Show what can be chosen, as a message of its own: the price stays readable."""
    options.offer(current_context())


@router.callback_query_handler(data=r"image:mode:[a-z0-9_]{1,32}")
def choose_mode(call: CallbackQuery) -> None:
    """Use another model."""
    options.choose_mode(current_context(), _last(call))


@router.callback_query_handler(data=r"image:set:[a-z_]+:.{1,32}")
def choose_option(call: CallbackQuery) -> None:
    """Use another aspect ratio, size or quality."""
    _, _, name, value = (call.data or "").split(":", 3)
    options.choose(current_context(), name, value)


@router.callback_query_handler(data=r"image:again:[0-9]{1,18}")
def again(call: CallbackQuery) -> None:
    """Make the picture once more."""
    results.again(current_context(), int(_last(call)))


@router.callback_query_handler(data=r"image:vary:[0-9]{1,18}")
def vary(call: CallbackQuery) -> None:
    """Make a variation."""
    results.vary(current_context(), int(_last(call)))


@router.callback_query_handler(data=r"image:file:[0-9]{1,18}")
def send_file(call: CallbackQuery) -> None:
    """Send the original as a file."""
    results.send_file(current_context(), int(_last(call)))


@router.callback_query_handler(data=r"image:rephrase:[0-9]{1,18}")
def rephrase(call: CallbackQuery) -> None:
    """Ask for another description."""
    results.rephrase(current_context(), int(_last(call)))


@router.callback_query_handler(data=r"image:stop:[0-9]{1,18}")
def stop(call: CallbackQuery) -> None:
    """Cancel a picture that has not begun."""
    results.stop(current_context(), int(_last(call)))


@router.callback_query_handler(data=r"images:show:[0-9]{1,18}", private_only=True, page="images")
def show_again(call: CallbackQuery) -> None:
    """Send a picture of the history."""
    results.show(current_context(), int(_last(call)))


@router.callback_query_handler(data=r"images:[0-9]{1,18}", private_only=True, page="images")
def turn_page(call: CallbackQuery) -> None:
    """Show another page of the history."""
    context = current_context()
    context.show(*history.page(context, int(_last(call)) or None))


def _last(call: CallbackQuery) -> str:
    return (call.data or "").rpartition(":")[2]
