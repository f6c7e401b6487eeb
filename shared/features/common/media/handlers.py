"""The handlers of a kind: its command and history, the buttons, and the answer to "what should I draw?"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.features.common.media import catalog, history, input_messages, making, options, results
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable
from shared.telegram.router import Router, is_for_admin

if TYPE_CHECKING:
    from telebot.types import CallbackQuery, Message

    from shared.features.common.media.kinds import MediaKind
    from shared.telegram.context import UpdateContext


def router_of(kind: MediaKind) -> Router:
    """Return the handlers of a kind."""
    return Router(_commands(kind), _orders(kind), _results(kind))


def _commands(kind: MediaKind) -> Router:
    router = Router()

    def is_available(_message: Message) -> bool:
        """Return whether it can be made here; to others than admins the commands do not exist then."""
        return current_context().is_offline or bool(catalog.modes(kind)) or is_for_admin()

    @router.message_handler(commands=[kind.name], func=is_available)
    def make(_message: Message) -> None:
        """Make what follows the command, from the picture that it replies to."""
        context = current_context()
        if context.is_offline:
            raise StateUnavailable
        if not catalog.modes(kind):
            return reply(context.rich(kind.key("not_configured")))
        return input_messages.take_command(context, kind)

    @router.message_handler(commands=[kind.history], func=is_available, private_only=True)
    def show_history(_message: Message) -> None:
        """Show what the user has made."""
        reply(*history.page(current_context(), kind))

    @router.message_handler(state=kind.name)
    def describe(_message: Message) -> None:
        """Make what was asked for."""
        context = current_context()
        input_messages.take_text(context, kind, context.bot.without_mention(context.update))

    @router.callback_query_handler(
        data=rf"{kind.history}:show:[0-9]{{1,18}}", private_only=True, page=kind.history
    )
    def show_again(call: CallbackQuery) -> None:
        """Send a result of the history."""
        results.show(current_context(), kind, int(_last(call)))

    @router.callback_query_handler(
        data=rf"{kind.history}:[0-9]{{1,18}}", private_only=True, page=kind.history
    )
    def turn_page(call: CallbackQuery) -> None:
        """Show another page of the history."""
        context = current_context()
        context.show(*history.page(context, kind, int(_last(call)) or None))

    return router


def _orders(kind: MediaKind) -> Router:
    """Return the handlers of the buttons under a price and on the screen of options."""
    router = Router()

    @router.callback_query_handler(data=rf"{kind.prefix}ok:[0-9a-f]{{16}}")
    def confirm(call: CallbackQuery) -> None:
        """Order at the price that was shown."""
        making.confirm(current_context(), kind, _last(call))

    @router.callback_query_handler(data=f"{kind.prefix}no")
    def decline(_call: CallbackQuery) -> None:
        """Order nothing."""
        making.decline(current_context(), kind)

    @router.callback_query_handler(data=f"{kind.prefix}price")
    def show_price(_call: CallbackQuery) -> None:
        """Show the price with the options that were chosen since."""
        making.offer_again(current_context(), kind)

    @router.callback_query_handler(data=f"{kind.prefix}options", keeps_wait=True)
    def show_options(_call: CallbackQuery) -> None:
        """Show what can be chosen, as a message of its own: the price stays readable."""
        options.offer(current_context(), kind)

    @router.callback_query_handler(data=rf"{kind.prefix}mode:[a-z0-9_]{{1,32}}", keeps_wait=True)
    def choose_mode(call: CallbackQuery) -> None:
        """Use another model."""
        options.choose_mode(current_context(), kind, _last(call))

    @router.callback_query_handler(data=rf"{kind.prefix}set:[a-z_]+:.{{1,32}}", keeps_wait=True)
    def choose_option(call: CallbackQuery) -> None:
        """Use another value of an option."""
        _, _, name, value = (call.data or "").split(":", 3)
        options.choose(current_context(), kind, name, value)

    return router


def _results(kind: MediaKind) -> Router:
    """Return the handlers of the buttons with a job: under a result, and under a message about it."""
    router = Router()
    actions: dict[str, Callable[[UpdateContext, MediaKind, int], None]] = {
        "again": results.again,
        "vary": results.vary,
        "file": results.send_file,
        "rephrase": results.rephrase,
        "stop": results.stop,
    }

    @router.callback_query_handler(data=rf"{kind.prefix}(?:{'|'.join(actions)}):[0-9]{{1,18}}")
    def act(call: CallbackQuery) -> None:
        """Do what the button says with its job."""
        _, name, job_id = (call.data or "").split(":")
        actions[name](current_context(), kind, int(job_id))

    return router


def _last(call: CallbackQuery) -> str:
    return (call.data or "").rpartition(":")[2]
