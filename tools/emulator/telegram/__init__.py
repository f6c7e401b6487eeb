"""A stand-in for Telegram at wire level: the Bot API over HTTP and the delivery of updates to webhooks."""

from tools.emulator.telegram.delivery import RawResponse
from tools.emulator.telegram.handles import Answer, Button, Payment, Sent, Tap
from tools.emulator.telegram.people import Channel, Chat, Group, TelegramUser
from tools.emulator.telegram.telegram import Telegram

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
