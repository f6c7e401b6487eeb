"""What Bot API methods and test users work with."""

from __future__ import annotations

from dataclasses import dataclass

from tools.emulator.telegram.inline import InlineMode
from tools.emulator.telegram.polls import Polls
from tools.emulator.telegram.sending import Sender
from tools.emulator.telegram.stars import Stars
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.updates import Updates


@dataclass(frozen=True)
class Services:
    """The parts of one Telegram, each of which depends only on those before it."""

    state: TelegramState
    updates: Updates
    sender: Sender
    stars: Stars
    polls: Polls
    inline: InlineMode
