"""A fake Telegram at wire level: the Bot API over HTTP, and updates delivered to webhooks.

Modules depend on those above them only; `Telegram` builds the parts and nothing in this package imports it.

    model, files, text, markup …  the Bot API's objects, without behaviour
    state                         users, bots, chats and messages: plain data, one lock, published changes
    queues, delivery              the order of updates, and one attempt to deliver one
    progress, updates             what the page and the trace see of deliveries; all bots' queues
    transcript                    what happened in a chat, in words, for the API's `answer`
    sending, stars                what users do; payments in Stars
    services                      state, updates, sending and stars together
    call, methods/*               one module for each group of Bot API methods; `call` reads their parameters
    coverage, bot_api             what is emulated of the Bot API; its HTTP side, with faults
    test_objects, users           users, groups and answers as tests drive them
    telegram                      `Telegram`: one fake Telegram, used by the stack and by tests
"""

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
