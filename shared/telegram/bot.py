"""A bot: a telebot TeleBot whose handlers run inside the unit of work of one update.

    bot = Bot("assistant", answers_text_with_ai=True)

    @bot.message_handler(commands=["profile"])
    def profile(message): reply(current_context().rich("profile", …))

    @bot.admin_command("stats")
    def stats(message): …          # whoever is no admin finds no such command

What else must know of a handler is derived from it: its command stands in `/help` and in Telegram's menu with
the text `command_<name>`, its kind of update in allowed_updates. Made at import, without token or network;
the token is read when the first call is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from functools import wraps
from importlib import import_module
from threading import Lock
from typing import Any

from telebot import TeleBot, types
from telebot.util import extract_command, update_types

from shared.core.config import settings
from shared.telegram import api
from shared.telegram.context import StateUnavailable, UpdateContext, current_context, reply
from shared.telegram.tolerant import read_update
from shared.telegram.update import InvalidPayload, Update

OPEN_PAGE = "open_"  # begins the payload of a link that opens a page in the private chat
_NO_TOKEN = "0:not-known-at-import"  # noqa: S105
_OF_ADMINS = ("message_handlers", "callback_query_handlers")
_IRREGULAR = {"inline_query": "inline_handlers", "chosen_inline_result": "chosen_inline_handlers"}


Handler = Callable[[Any], Any]


def is_for_admin() -> bool:
    """Whether an admin wrote or tapped, and in private: in a group others would see the answer."""
    context = current_context()
    return context.user.is_admin and context.update.is_private


class Bot(TeleBot):
    """One bot. `answers_text_with_ai`: plain text goes to the AI, so its request is reserved on arrival.

    `question_cost` returns the most that a question may cost, in US dollars. `menu` names the commands that
    Telegram's menu shows, `admin_menu` those in an admin's chat; without them it shows all there are.
    """

    name = ""
    _money: Callable[[Update], None] | None = None

    def __init__(
        self,
        name: str,
        *,
        answers_text_with_ai: bool = False,
        question_cost: Callable[[], Decimal] = Decimal,
        menu: Sequence[str] = (),
        admin_menu: Sequence[str] = (),
    ) -> None:
        # Not threaded: threads made before gunicorn's fork run nothing, and Telegram would get its 200.
        super().__init__(_NO_TOKEN, threaded=False, validate_token=False)
        self.name = name
        self._menu, self._admin_menu = tuple(menu), tuple(admin_menu)
        self._admin_commands: list[str] = []
        self._admin_package = ""
        self._admin_places: tuple[int, ...] = ()
        self._admin_lock = Lock()
        self.answers_text_with_ai = answers_text_with_ai
        self.question_cost = question_cost

    @property
    def token(self) -> str:
        """The token from the settings; TeleBot's constructor, which looks at it too, gets none."""
        if not self.name:
            return _NO_TOKEN
        api.prepare_telebot()
        return settings().bot_token(self.name)

    @token.setter
    def token(self, value: str) -> None:
        """Ignore what TeleBot's constructor sets."""

    @property
    def telegram_id(self) -> int:
        """The bot's own Telegram id, the first part of its token."""
        return int(settings().bot_token(self.name).partition(":")[0])

    def download_file(self, file_path: str) -> bytes:
        """Return a file of at most 20 MB by the path that `get_file` told; telebot's own waits without end.

        Raises:
            TelegramError: refused, or no whole file within `api.FILE_TIMEOUT` seconds.
        """
        return api.download(self.name, file_path)

    def commands(self, has_database: bool = True) -> tuple[str, ...]:
        """Return the commands for everybody that have a handler, in the order they were written.

        Without a database, only those that work offline.
        """
        names = (
            name
            for handler in self.message_handlers
            if has_database or getattr(handler["function"], "works_offline", False)
            for name in handler["filters"].get("commands") or ()
        )
        return tuple(name for name in dict.fromkeys(names) if name not in self._admin_commands)

    def menu_commands(
        self, has_database: bool = True, *, for_admin: bool = False, hidden: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Return the commands of Telegram's menu: those that the bot chose for it, else all it has.

        Args:
            has_database: False: only those that work offline.
            hidden: commands of what is not configured here.
        """
        known = {*self.commands(has_database), *(self.admin_commands() if for_admin else ())}
        chosen = self._admin_menu if for_admin else self._menu
        if not chosen or not has_database:
            chosen = (*self.commands(has_database), *(self.admin_commands() if for_admin else ()))
        return tuple(name for name in chosen if name in known and name not in hidden)

    def admin_commands(self) -> tuple[str, ...]:
        """Return the commands that only admins have, in the order they were written."""
        self._load_admin_package()
        return tuple(self._admin_commands)

    def admin_package(self, name: str) -> None:
        """Have a package of admins' handlers stand here in the order of all, imported when an admin writes.

        A start, which everybody waits for, is spared what hardly anybody needs.
        """
        self._admin_package = name
        self._admin_places = tuple(len(getattr(self, handlers)) for handlers in _OF_ADMINS)

    def _load_admin_package(self) -> None:
        with self._admin_lock:
            if not self._admin_package:
                return
            ends = [len(getattr(self, handlers)) for handlers in _OF_ADMINS]
            import_module(self._admin_package)
            for handlers, place, end in zip(_OF_ADMINS, self._admin_places, ends, strict=True):
                found = getattr(self, handlers)
                setattr(self, handlers, found[:place] + found[end:] + found[place:end])
            self._admin_package = ""

    def message_handler(
        self, *args: Any, private_only: bool = False, works_offline: bool = False, **filters: Any
    ) -> Callable[[Handler], Handler]:
        """Register a handler of messages, as telebot does, with what the pipeline must know of it.

        Args:
            private_only: it concerns the user alone. Outside of the private chat it does
                not run: the user gets a button that opens the page of its command there.
            works_offline: it runs without a database, too, so `/help` and the menu offer it there. A
                handler that is not `private_only` must itself refuse what it cannot do then.
        """
        register = super().message_handler(*args, **filters)
        page = (filters.get("commands") or [""])[0]

        def declare(handler: Handler) -> Handler:
            guarded = self._guarded(handler, page, works_offline) if private_only else handler
            guarded.works_offline = works_offline  # type: ignore[attr-defined]
            return register(guarded)  # type: ignore[no-any-return]

        return declare

    def callback_query_handler(
        self,
        func: Callable[[types.CallbackQuery], Any] | None = None,
        *,
        private_only: bool = False,
        page: str = "",
        works_offline: bool = False,
        **filters: Any,
    ) -> Callable[[Handler], Handler]:
        """Register a handler of buttons, see `message_handler`; `page` is the command that shows them."""
        register = super().callback_query_handler(func, **filters)  # type: ignore[no-untyped-call]
        if not private_only:
            return register  # type: ignore[no-any-return]
        return lambda handler: register(self._guarded(handler, page, works_offline))

    def _guarded(self, handler: Handler, page: str, works_offline: bool) -> Handler:
        if not page:
            raise ValueError(f"{handler.__name__} is private_only: name the command of its page")

        @wraps(handler)
        def guarded(event: Any) -> Any:
            context = current_context()
            if not context.update.is_private:
                return self._offer_private_chat(context, page)
            if context.is_offline and not works_offline:
                raise StateUnavailable
            return handler(event)

        guarded.private_page = page  # type: ignore[attr-defined]
        return guarded

    def _offer_private_chat(self, context: UpdateContext, page: str) -> None:
        link = f"https://t.me/{self.user.username}?start={OPEN_PAGE}{page}"
        reply(context.rich("private_only"), [[(context.text("private_open"), link)]])

    def open_page(self, page: str, message: types.Message) -> bool:
        """Run the command of a `private_only` page for a user who came by its link; False: there is none."""
        for handler in self.message_handlers:
            if getattr(handler["function"], "private_page", None) == page:
                message.text = f"/{page}"
                handler["function"](message)
                return True
        return False

    def admin_command(self, name: str) -> Callable[[Handler], Handler]:
        """Register the handler of a command that only admins have, in private.

        For anybody else it does not match, so they are answered as for any other word behind a slash.
        """
        self._admin_commands.append(name)
        return self.message_handler(commands=[name], func=lambda _message: is_for_admin())

    def admin_button(self, pattern: str) -> Callable[[Handler], Handler]:
        """Register the handler of buttons that only admins have, by all of their callback data."""
        matches = re.compile(pattern).fullmatch
        return self.callback_query_handler(func=lambda call: matches(call.data or "") and is_for_admin())

    def handled_kinds(self) -> tuple[str, ...]:
        """Return the kinds of update that have a handler: what setWebhook asks Telegram for."""
        return tuple(kind for kind in update_types if self.handles(kind))

    def payment_handler(self, handler: Callable[[Update], None]) -> Callable[[Update], None]:
        """Register who keeps what Telegram tells of payments: paid, refunded, a subscription changed.

        It is called with the update as it came, outside of any session, and returns once it is stored.
        """
        self._money = handler
        return handler

    def handle_payment_update(self, update: Update) -> None:
        """Hand what an update tells of a payment to whoever keeps it.

        Raises:
            LookupError: nobody does: this bot was not meant to sell.
        """
        if self._money is None:
            raise LookupError(f"the bot {self.name} has no money handler")
        self._money(update)

    def handles(self, kind: str) -> bool:
        """Whether a kind of update has a handler."""
        if kind == "subscription" and self._money is not None:
            return True
        return bool(getattr(self, _IRREGULAR.get(kind, f"{kind}_handlers")))

    def handle(self, update: Update) -> None:
        """Run the first handler whose filters match, in the current unit of work.

        Raises:
            InvalidPayload: telebot cannot read it: no other delivery of it would fare better.
        """
        try:
            parsed = read_update(update.data)
        except Exception as error:
            raise InvalidPayload(
                f"telebot cannot read it: {type(error).__name__}", update.update_id
            ) from error
        if self._admin_package and is_for_admin():
            self._load_admin_package()
        self.process_new_updates([parsed])

    def _notify_command_handlers(
        self, handlers: list[Any], new_messages: list[Any], update_type: str
    ) -> None:
        """Pass over the handlers of commands at once when a text is none: most texts are for the AI."""
        if not any((getattr(message, "text", None) or "").startswith("/") for message in new_messages):
            handlers = [handler for handler in handlers if not handler["filters"].get("commands")]
        super()._notify_command_handlers(handlers, new_messages, update_type)  # type: ignore[no-untyped-call]

    def _test_filter(self, message_filter: str, filter_value: Any, message: Any) -> bool:
        """Match commands in any letter case, and none in words that were only passed on."""
        if message_filter != "commands":
            return bool(super()._test_filter(message_filter, filter_value, message))  # type: ignore[no-untyped-call]
        if message.content_type != "text" or current_context().update.is_relayed:
            return False
        command = extract_command(message.text)
        return command is not None and command.lower() in filter_value

    def is_addressed(self, update: Update) -> bool:
        """Whether the bot is meant: always in private, in a group by command, mention, reply or button."""
        if not update.is_group or update.kind not in ("message", "edited_message"):
            return True
        if update.is_forwarded:
            return False
        if update.replied_to_user_id == self.telegram_id:
            return True
        return any(self._is_me(kind, name) for kind, name in update.mentions)

    def without_mention(self, update: Update) -> str:
        """Return the words of a message without the mention that only addressed the bot."""
        text = update.text
        if update.is_group and "@" in text:
            for kind, name in update.mentions:
                if kind == "mention" and self._is_me(kind, name):
                    text = text.replace(f"@{name}", "")
        return text.strip()

    def _is_me(self, kind: str, name: str | int) -> bool:
        if kind == "text_mention":
            return name == self.telegram_id
        if kind == "bot_command" and not name:  # Telegram gives a bare command to the bot it means
            return True
        return str(name).lower() == str(self.user.username or "").lower()
