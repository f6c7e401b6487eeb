"""A fake server for Telegram at wire level: the Bot API over HTTP and the delivery of updates to webhooks."""

from tools.emulator.telegram.delivery import RawResponse
from tools.emulator.telegram.telegram import Telegram
from tools.emulator.telegram.test_objects import Answer, Button, Payment, Sent, Tap
from tools.emulator.telegram.users import Channel, Chat, Group, TelegramUser

__all__ = [
    "Answer",
    "Button",
    "Channel",
    "Chat",
    "Group",
    "Payment",
    "RawResponse",
    "Sent",
    "Tap",
    "Telegram",
    "TelegramUser",
]
