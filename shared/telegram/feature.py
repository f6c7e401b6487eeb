"""What a bot knows of a feature before it imports the feature's handlers.

A feature is a package `shared/features/<name>` whose `__init__.py` declares what it answers:

    feature = Feature(__name__, commands=(Command("promo", "plan"),), buttons=("promo",))

and whose `handlers.py` holds a `Router` named `router`. A bot imports the handlers of a feature when an
update comes that they may answer, so a cold start waits for none of the others. The test
tests/features/test_declarations.py compares the declarations with the handlers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any, Protocol

from shared.core.cached_property import cached_property

ANY = "*"  # as a command or button: those that no other feature has
CANCEL = "cancel"  # as a kind: what /cancel stops besides a wait for input
LINK = "link"  # as a kind: a /start link
PAYMENT = "payment"  # as a kind of update: what Telegram reports of payments
QUESTION_BUTTONS = ("again", "more")  # keys of the buttons below an answer of the AI that ask it
REMIND_BUTTON = "remind_answer"  # of the one that reminds of its question
ANSWER_BUTTONS = (*QUESTION_BUTTONS, REMIND_BUTTON)
_BUTTON_KEY = re.compile(r"[a-z_]*")


class HandlerList(Protocol):
    """A `Router`, which depends on this module."""

    handlers: list[Any]


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        section: the section of /help that lists it, the text `help_<section>`; empty: /help leaves it out.
        needs: what must be on offer for it to be shown (shared/features/common/offering.py). A hidden command
            still answers when it is sent.
        admin: only admins have it, in the private chat.
        in_menus: Telegram's menus and /help may list it.
    """

    name: str
    section: str = ""
    needs: str = ""
    works_offline: bool = False
    admin: bool = False
    in_menus: bool = True


@dataclass(frozen=True)
class Feature:
    """What a feature answers.

    Attributes:
        package: its package, `__name__` of its `__init__.py`.
        buttons: the keys of its callback data, see `button_key`.
        states: what its handlers wait for (waits.py), up to the first colon.
        kinds: other kinds of update, such as `my_chat_member`; PAYMENT: what Telegram reports of payments;
            CANCEL: it has something that /cancel stops.
        links: beginnings of the payloads of /start links that it handles.
        takes_texts: a handler looks at any text message.
        takes_content: a handler looks at messages that are no text, or forwarded.
        admin_only: all of its handlers are for admins.
        is_metered: what users do takes bonus requests or trainings unless their plan covers it; always so
            with a question_cost.
        question_buttons: those of the buttons that ask the AI, so that a request is reserved with the tap.
        question_cost: set where plain text goes to the AI: the most that a question may cost, in US dollars.
        media_cost: the same of voice messages, pictures and documents, where they go to the AI.
    """

    package: str
    commands: tuple[Command, ...] = ()
    buttons: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    takes_texts: bool = False
    takes_content: bool = False
    admin_only: bool = False
    is_metered: bool = False
    question_buttons: tuple[str, ...] = ()
    question_cost: Callable[[], Decimal] | None = None
    media_cost: Callable[[], Decimal] | None = None

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.package.rpartition(".")[2]

    @property
    def router(self) -> HandlerList:
        """Its handlers, imported when they are first wanted."""
        router: HandlerList = import_module(f"{self.package}.handlers").router
        return router

    def has_command(self, name: str) -> bool:
        """Return whether it handles a command of this name; ANY: commands that no other feature has."""
        return name in self._command_names

    @cached_property
    def _command_names(self) -> frozenset[str]:
        return frozenset(command.name for command in self.commands)


def button_key(data: str) -> str:
    """Return the part of callback data, or of a pattern for it, that names its feature: `pay` of `pay!:x`."""
    key = _BUTTON_KEY.match(data)
    return key[0] if key else ""
