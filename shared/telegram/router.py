"""Collects a feature's handlers, with what the framework must know of each.

    router = Router()

    @router.message_handler(commands=["profile"], private_only=True)
    def profile(message): reply(current_context().rich("profile", …))

    @router.callback_query_handler(data=r"language:[a-z]{2}")
    def choose_language(call): …

`commands`, `content_types` and `func` filter as in telebot; the other arguments are declarations of ours.
Handlers are tried by `Order`: commands and buttons, then those of a state, then those of any text, then those
of some types of content, then the rest; within the same order by the bot's list of features, then as written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from shared.telegram import waits
from shared.telegram.context import StateUnavailable, current_context, reply
from shared.telegram.feature import ANY, CANCEL, LINK, PAYMENT, button_key
from shared.telegram.selection import OPEN_PAGE

if TYPE_CHECKING:
    from telebot.types import CallbackQuery, Message

# Clients can send any callback data. A number that no bigint holds is that of no button.
_STORABLE = r"(?!(?:.*:)?[0-9]{19,}(?::|\Z))"
TEXT = ("text",)

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]
Event = TypeVar("Event")


class Order(IntEnum):
    """When a handler is tried."""

    COMMAND = 0
    STATE = 1
    TEXT = 2
    CONTENT = 3
    REST = 4


@dataclass(frozen=True)
class Handler:
    """A function and when it runs. `telebot` is what TeleBot tests and calls."""

    kind: str
    order: Order
    function: Function
    filters: Mapping[str, object]
    commands: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    data: re.Pattern[str] | None = None
    states: tuple[str, ...] = ()
    admin: bool = False
    private_page: str = ""
    link: str = ""
    works_offline: bool = False
    allowed_while_banned: bool = False
    telebot: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        entry = {"function": self.function, "pass_bot": False, "filters": self.filters}
        object.__setattr__(self, "telebot", entry)


class _Declared(TypedDict, total=False):
    """The fields of `Handler` that not every kind of handler has."""

    commands: tuple[str, ...]
    buttons: tuple[str, ...]
    data: re.Pattern[str] | None
    states: tuple[str, ...]
    admin: bool
    link: str
    allowed_while_banned: bool


class Router:
    """The handlers of a feature, or of several of its modules: `Router(profile.router, usage.router)`."""

    def __init__(self, *included: Router) -> None:
        self.handlers: list[Handler] = [handler for router in included for handler in router.handlers]

    def message_handler(
        self,
        *,
        commands: Sequence[str] = (),
        state: str = "",
        func: Callable[[Message], object] | None = None,
        content_types: Sequence[str | None] = TEXT,
        private_only: bool = False,
        works_offline: bool = False,
        allowed_while_banned: bool = False,
        admin: bool = False,
        in_groups: bool = False,
        unknown_commands: bool = False,
        kind: str = "message",
    ) -> Decorator:
        """Register a handler of messages.

        Args:
            state: it takes the answer to a question that waits for this, or for this, a colon and more
                (waits.py); commands are no answers.
            private_only: it concerns the user alone. Outside of the private chat it does not run; a button
                opens the page of its command there.
            works_offline: it runs without a database, too. A handler that is not `private_only` must itself
                refuse what it cannot do then.
            allowed_while_banned: a banned user may use it.
            admin: it matches only for an admin in the private chat, so others are answered as for an unknown
                command.
            in_groups: with `admin`, it matches in groups too, where others see the answer.
            unknown_commands: a handler of a state takes texts that begin like a command and are none of the
                bot's, too.
        """
        tests: list[Callable[[Message], object]] = []
        if admin:
            tests.append(_is_of_admin if in_groups else is_for_admin)
        if state:
            tests.append(lambda event: _is_awaited(state, event, unknown_commands))
        filters = {
            "content_types": [*content_types],
            "commands": [*commands] if commands and ANY not in commands else None,
            "func": _all([*tests, *([func] if func else [])]),
        }
        if commands:
            order = Order.TEXT if ANY in commands else Order.COMMAND
        elif state:
            order = Order.STATE
        else:
            order = _order_of(content_types)
        return self._register(
            kind,
            order,
            filters,
            page=commands[0] if commands and private_only else "",
            private_only=private_only,
            ends_wait=bool(commands) and ANY not in commands,
            commands=tuple(commands),
            states=(state,) if state else (),
            works_offline=works_offline,
            allowed_while_banned=allowed_while_banned,
            admin=admin,
        )

    def edited_message_handler(
        self, *, state: str = "", func: Callable[[Message], object] | None = None
    ) -> Decorator:
        """Register a handler of edited messages, see `message_handler`."""
        return self.message_handler(state=state, func=func, kind="edited_message")

    def callback_query_handler(
        self,
        *,
        data: str | Sequence[str],
        page: str = "",
        private_only: bool = False,
        works_offline: bool = False,
        allowed_while_banned: bool = False,
        admin: bool = False,
        keeps_wait: bool = False,
    ) -> Decorator:
        """Register a handler of buttons.

        Args:
            data: regular expressions for all of the callback data, beginning with letters that the feature
                declares (`button_key`); ANY: buttons that no other handler takes.
            page: the command that shows these buttons, where they are `private_only`.
            keeps_wait: a text that is awaited is still awaited after it.

        The other declarations are as for `message_handler`.
        """
        patterns = [data] if isinstance(data, str) else [*data]
        tests: list[Callable[[CallbackQuery], object]] = []
        pattern = None
        if ANY not in patterns:
            pattern = re.compile(_STORABLE + "(?:" + "|".join(patterns) + ")", re.DOTALL | re.ASCII)
            tests.append(lambda call: pattern.fullmatch(call.data or ""))
        if admin:
            tests.append(is_for_admin)
        return self._register(
            "callback_query",
            Order.COMMAND if pattern else Order.REST,
            {"func": _all(tests) or _always},
            page=page,
            private_only=private_only,
            ends_wait=pattern is not None and not keeps_wait,
            buttons=tuple(dict.fromkeys(one if one == ANY else button_key(one) for one in patterns)),
            data=pattern,
            works_offline=works_offline,
            allowed_while_banned=allowed_while_banned,
            admin=admin,
        )

    def update_handler(self, kind: str) -> Decorator:
        """Register a handler of any other kind of update, such as `my_chat_member`."""
        return self._register(kind, Order.REST, {"func": _always})

    def payment_handler(self, function: Function) -> Function:
        """Register what stores the payment events that Telegram reports: payments, refunds, subscriptions.

        It is called with the update, outside of any session, and returns once the event is stored.
        """
        return self._register(PAYMENT, Order.REST, {})(function)

    def link_handler(self, prefix: str) -> Decorator:
        """Register a handler of /start links whose payload begins with a prefix.

        It is called with the context and the rest of the payload; it returns what to show below the welcome.
        """
        return self._register(LINK, Order.REST, {}, link=prefix)

    def cancel_handler(self, function: Function) -> Function:
        """Register what /cancel stops besides a wait for input, which has ended by then.

        It is called with the context; it returns what to say, or None where there was nothing to stop.
        """
        return self._register(CANCEL, Order.REST, {})(function)

    def _register(
        self,
        kind: str,
        order: Order,
        filters: Mapping[str, object],
        *,
        page: str = "",
        private_only: bool = False,
        works_offline: bool = False,
        ends_wait: bool = False,
        **declared: Unpack[_Declared],
    ) -> Decorator:
        def register(function: Function) -> Function:
            if private_only and not page:
                raise ValueError(f"{function.__name__} is private_only: name the command of its page")
            called = _private(function, page, works_offline) if private_only else function
            if ends_wait:
                called = _interrupting(called)
            self.handlers.append(
                Handler(
                    kind,
                    order,
                    called,
                    {name: value for name, value in filters.items() if value is not None},
                    private_page=page if private_only else "",
                    works_offline=works_offline,
                    **declared,
                )
            )
            return function

        return register


def is_for_admin(_event: object = None) -> bool:
    """Return whether an admin wrote or tapped, and in private: in a group others would see the answer."""
    context = current_context()
    return context.user.is_admin and context.update.is_private


def _is_of_admin(_event: object) -> bool:
    return current_context().user.is_admin


def _always(_event: object) -> bool:
    return True


def _is_awaited(state: str, event: Message, unknown_commands: bool) -> bool:
    """Return whether a text is the answer to the question of a state. Known commands were tried before."""
    awaiting = waits.current(current_context()).partition(":")[0]
    is_answer = unknown_commands or not (event.text or "").startswith("/")
    return is_answer and awaiting == state


def _all(tests: Collection[Callable[[Event], object]]) -> Callable[[Event], bool] | None:
    """Join tests of an event to one, evaluated in order; None where there is none."""
    if not tests:
        return None
    return lambda event: all(test(event) for test in tests)


def _order_of(content_types: Sequence[str | None]) -> Order:
    """Return when a handler of these types is tried: one of any type, None, comes last."""
    if tuple(content_types) == TEXT:
        return Order.TEXT
    return Order.REST if None in content_types else Order.CONTENT


def _interrupting(function: Function) -> Function:
    @wraps(function)
    def ending(event: object) -> object:
        waits.interrupt(current_context())
        return function(event)

    return ending


def _private(function: Function, page: str, works_offline: bool) -> Function:
    @wraps(function)
    def guarded(event: object) -> object:
        context = current_context()
        if not context.update.is_private:
            link = f"https://t.me/{context.bot.user.username}?start={OPEN_PAGE}{page}"
            reply(context.rich("private_only"), [[(context.text("private_open"), link)]])
            return None
        if context.is_offline and not works_offline:
            raise StateUnavailable
        return function(event)

    return guarded
