"""A bot: a name, a description and the features it offers, run by telebot.

    bot = Bot("assistant", "Answers with an AI.", with_common(chat.feature, trial.feature))

`/help`, Telegram's menus and allowed_updates are derived from the features' declarations (feature.py); a
command is described by the text `command_<name>`.
Made at import, without token or network; the token is read when the first call is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NoReturn

from telebot import TeleBot, types
from telebot.util import update_types

from shared.core.config import settings
from shared.core.texts import Text
from shared.telegram import api, waits
from shared.telegram.context import UpdateContext, current_context
from shared.telegram.feature import CANCEL, PAYMENT, Command, Feature, button_key
from shared.telegram.messages import Keyboard
from shared.telegram.router import Handler
from shared.telegram.selection import command_target, handles, linked_page, may_answer
from shared.telegram.tolerant import read_update
from shared.telegram.update import CHOSEN_RESULT, INLINE_KINDS, Update, command_of
from shared.telegram.update_parsing import InvalidPayload

# Where telebot's name of a kind of update is not that of the Bot API.
_TELEBOT_KINDS = {"chosen_inline_query": CHOSEN_RESULT}
_NO_TOKEN = "0:not-known-at-import"  # noqa: S105


class Bot(TeleBot):
    """One bot.

    Attributes:
        description: what it is for, in one sentence for its owner.
        features: in the order in which their handlers are tried and their commands are listed.
        menu: the commands that Telegram's menu shows; empty: all of them. `admin_menu`: in an admin's chat.
    """

    name = ""
    features: tuple[Feature, ...] = ()

    def __init__(
        self,
        name: str,
        description: str,
        features: Sequence[Feature],
        *,
        menu: Sequence[str] = (),
        admin_menu: Sequence[str] = (),
    ) -> None:
        # Not threaded: threads made before gunicorn's fork run nothing, and Telegram would get its 200.
        super().__init__(_NO_TOKEN, threaded=False, validate_token=False)
        self.name, self.description, self.features = name, description, tuple(features)
        self._menu, self._admin_menu = tuple(menu), tuple(admin_menu)
        costs = (one.question_cost for one in self.features if one.question_cost is not None)
        self._question_cost: Callable[[], Decimal] | None = next(costs, None)
        self._question_buttons = frozenset(key for one in self.features for key in one.question_buttons)
        costs = (one.media_cost for one in self.features if one.media_cost is not None)
        self._media_cost: Callable[[], Decimal] | None = next(costs, None)

    @property
    def answers_text_with_ai(self) -> bool:
        """Whether plain text goes to the AI, so that its request is reserved when it arrives."""
        return self._question_cost is not None

    def asks_ai(self, update: Update) -> bool:
        """Return whether an update is the tap on a button that asks the AI."""
        if update.kind != "callback_query":
            return False
        return button_key(str(update.content.get("data") or "")) in self._question_buttons

    @property
    def is_metered(self) -> bool:
        """Whether plans and bonus requests are of use here; else the bot is free: no limits, no shop."""
        return self.answers_text_with_ai or any(feature.is_metered for feature in self.features)

    @property
    def answers_media_with_ai(self) -> bool:
        """Whether voice messages, pictures and documents go to the AI."""
        return self._media_cost is not None

    def question_cost(self, *, is_media: bool = False) -> Decimal:
        """Return the most that a question may cost, in US dollars; 0 where no question goes to an AI."""
        cost = self._media_cost if is_media else self._question_cost
        return cost() if cost is not None else Decimal(0)

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
        """Return a file of at most 20 MB by the path that `get_file` gave; telebot's own has no deadline.

        Raises:
            TelegramError: refused, or no whole file within `api.FILE_TIMEOUT` seconds.
        """
        return api.download(self.name, file_path)

    # Commands ---------------------------------------------------------------------------------------------

    def declared_commands(self, *, admin: bool = False, has_database: bool = True) -> tuple[Command, ...]:
        """Return the commands for everyone, or those of admins, in the order of the features.

        Without a database, only those that work offline.
        """
        return tuple(
            command
            for feature in self.features
            for command in feature.commands
            if command.admin == admin and command.in_menus and (has_database or command.works_offline)
        )

    def commands(self, has_database: bool = True) -> tuple[str, ...]:
        """Return the names of the commands for everyone, see `declared_commands`."""
        return tuple(command.name for command in self.declared_commands(has_database=has_database))

    def has_command(self, name: str) -> bool:
        """Return whether everyone can use a command of this name here."""
        return any(command.name == name for command in self.declared_commands())

    def admin_commands(self) -> tuple[str, ...]:
        """Return the names of the commands that only admins have."""
        return tuple(command.name for command in self.declared_commands(admin=True))

    def menu_commands(
        self, has_database: bool = True, *, for_admin: bool = False, hidden: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Return the commands of Telegram's menu: those that the bot chose for it, else all it has.

        Args:
            has_database: False: only those that work offline.
            hidden: commands of what is not configured here.
        """
        known = (*self.commands(has_database), *(self.admin_commands() if for_admin else ()))
        chosen = self._admin_menu if for_admin else self._menu
        if not chosen or not has_database:
            chosen = known
        return tuple(name for name in chosen if name in known and name not in hidden)

    # Handlers ---------------------------------------------------------------------------------------------

    def handlers(self) -> tuple[Handler, ...]:
        """Return all handlers, in the order in which they are tried; imports all features."""
        return _in_order(self.features)

    def handles(self, kind: str) -> bool:
        """Return whether a kind of update has a handler."""
        return any(handles(feature, kind) for feature in self.features)

    def handled_kinds(self, *, has_inline_mode: bool = False) -> tuple[str, ...]:
        """Return the kinds of update that have a handler: what setWebhook asks Telegram for."""
        return tuple(
            kind
            for kind in update_types
            if self.handles(kind) and (has_inline_mode or kind not in INLINE_KINDS)
        )

    def handle(self, update: Update) -> None:
        """Run the first handler whose filters match, in the current context.

        Raises:
            InvalidPayload: telebot cannot parse the update; a redelivery would fail, too.
        """
        try:
            parsed = read_update(update.data)
        except Exception as error:
            raise InvalidPayload(
                f"telebot cannot read it: {type(error).__name__}", update.update_id
            ) from error
        self.process_new_updates([parsed])

    def handle_payment(self, update: Update) -> None:
        """Store the payment event that an update reports.

        Raises:
            LookupError: no feature of this bot takes payments.
        """
        features = [feature for feature in self.features if PAYMENT in feature.kinds]
        handler = next((one for one in _in_order(features) if one.kind == PAYMENT), None)
        if handler is None:
            raise LookupError(f"the bot {self.name} has no feature that takes payments")
        handler.function(update)

    def open_page(self, page: str, message: types.Message) -> bool:
        """Run the command of a `private_only` page that a link opens; return False if it does not exist."""
        for handler in self._pages(page):
            message.text = f"/{page}"
            handler.function(message)
            return True
        return False

    def open_link(self, context: UpdateContext, payload: str) -> tuple[Text, Keyboard] | None:
        """Hand the payload of a /start link to its feature; return what to show below the welcome."""
        features = [one for one in self.features if payload.startswith(one.links)]
        for handler in _in_order(features):
            if handler.link and payload.startswith(handler.link):
                answer: tuple[Text, Keyboard] | None = handler.function(
                    context, payload.removeprefix(handler.link)
                )
                return answer
        return None

    def is_allowed_while_banned(self, context: UpdateContext) -> bool:
        """Return whether the handler of a command or button is declared `allowed_while_banned`.

        Only in the private chat, and never for forwarded commands or captions. A link to a page counts as its
        command, if it opens the page.
        """
        update = context.update
        if not update.is_private or update.is_relayed:
            return False
        found: Iterable[Handler] = ()
        if update.kind == "callback_query":
            data = str(update.content.get("data") or "")
            found = (one for one in self._candidates(context) if one.data and one.data.fullmatch(data))
        elif update.kind == "message" and "text" in update.message:
            name, page = update.command, linked_page(update.text)
            if name == "start" and page:
                found = self._pages(page)
            else:
                found = (one for one in _in_order(self._with_command(name)) if name in one.commands)
        first = next(iter(found), None)
        return first is not None and first.allowed_while_banned

    def cancel(self, context: UpdateContext) -> Text | None:
        """Stop what the features can stop; return what to say, None where there was nothing."""
        features = [feature for feature in self.features if CANCEL in feature.kinds]
        answers: list[Text | None] = [
            one.function(context) for one in _in_order(features) if one.kind == CANCEL
        ]
        return next((one for one in answers if one is not None), None)

    def _with_command(self, name: str) -> list[Feature]:
        return [feature for feature in self.features if feature.has_command(name)]

    def _pages(self, page: str) -> Iterator[Handler]:
        """Yield the handlers of a command that a link can open."""
        for handler in _in_order(self._with_command(page)):
            if page in handler.commands and handler.private_page == page:
                yield handler

    def _candidates(self, context: UpdateContext) -> tuple[Handler, ...]:
        """Return the handlers of the features that may answer an update, in order; imports only these."""
        awaiting = waits.current(context).partition(":")[0]
        wanted = [
            feature
            for feature in self.features
            if (context.user.is_admin or not feature.admin_only)
            and may_answer(feature, context.update, awaiting)
        ]
        if not wanted and context.update.kind == "message":  # a text in a bot without a conversation
            wanted = [feature for feature in self.features if feature.takes_content]
        return _in_order(wanted)

    def _notify_command_handlers(
        self, handlers: list[object], new_messages: list[object], update_type: str
    ) -> None:
        """Give telebot the handlers of this update's features in place of registered ones."""
        kind = _TELEBOT_KINDS.get(update_type, update_type)
        chosen = [one.telebot for one in self._candidates(current_context()) if one.kind == kind]
        super()._notify_command_handlers(chosen, new_messages, update_type)  # type: ignore[no-untyped-call]

    def message_handler(self, *_args: object, **_filters: object) -> NoReturn:
        """Refuse a handler of the bot itself: it would not be found by its feature's declaration.

        Raises:
            TypeError: always.
        """
        raise TypeError("write handlers on the Router of a feature")

    callback_query_handler = message_handler

    def _test_filter(
        self, message_filter: str, filter_value: Collection[str], message: types.Message
    ) -> bool:
        """Match commands in any letter case, but none in forwarded messages."""
        if message_filter != "commands":
            return bool(super()._test_filter(message_filter, filter_value, message))  # type: ignore[no-untyped-call]
        if message.content_type != "text" or current_context().update.is_relayed:
            return False
        return command_of(message.text or "") in filter_value

    def is_addressed(self, update: Update) -> bool:
        """Return whether the update addresses the bot: in a group, by command, mention, reply or button.

        A command for another bot addresses that one alone, also in a reply to this bot.
        """
        if not update.is_group or update.kind not in ("message", "edited_message"):
            return True
        if update.is_forwarded:
            return False
        target = "" if update.is_relayed else command_target(update.text)
        if target and not self._is_me("mention", target):
            return False
        if update.replied_to_user_id == self.telegram_id:
            return True
        return any(self._is_me(kind, name) for kind, name in update.mentions)

    def has_sent(self, update: Update) -> bool:
        """Return whether a user sent the message by this bot's inline mode, where it is answered already."""
        sent_by = update.message.get("via_bot") if update.kind in ("message", "edited_message") else None
        return sent_by is not None and sent_by.get("id") == self.telegram_id

    def without_mention(self, update: Update) -> str:
        """Return the text of a message without the mention that addresses the bot."""
        text = update.text
        if update.is_group and "@" in text:
            for kind, name in update.mentions:
                if kind == "mention" and self._is_me(kind, name):
                    text = re.sub(rf"@{name}\b", "", text)  # longer names that begin with it stay
        return text.strip()

    def _is_me(self, kind: str, name: str | int) -> bool:
        if kind == "text_mention":
            return name == self.telegram_id
        if kind == "bot_command" and not name:  # Telegram delivers a bare command only to the addressed bot
            return True
        return str(name).lower() == str(self.user.username or "").lower()


def _in_order(features: Iterable[Feature]) -> tuple[Handler, ...]:
    handlers = [handler for feature in features for handler in feature.router.handlers]
    return tuple(sorted(handlers, key=lambda handler: handler.order))  # sorting is stable
