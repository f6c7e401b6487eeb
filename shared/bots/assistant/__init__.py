"""The assistant: an AI that remembers the conversation, with a menu around it.

One file a subject. Handlers are tried in the order they are registered, so the modules are imported from the
particular to the general: commands and buttons, then words for the AI, then everything else. `/payments` is
everybody's, and an admin's with a name behind it: so `admin` comes before `payments`.
"""

from shared.bots.assistant.cost import question_cost
from shared.telegram import Bot

bot = Bot(
    "assistant",
    answers_text_with_ai=True,
    question_cost=question_cost,
    menu=("menu", "buy", "profile", "usage", "mode", "clear", "language", "help"),
    admin_menu=("menu", "clear", "stats", "user", "payment", "products", "promocode", "help"),
)

# The modules below register their handlers on `bot`, in this order.
from shared.bots.assistant import (  # noqa: E402, I001
    menu,
    contact,
    profile,
    usage,
    language,
    mode,
    referral,
    keys,
    checkout,
    buy,
    balance,
    promo,
)

bot.admin_package("shared.bots.assistant.admin")

from shared.bots.assistant import (  # noqa: E402, I001
    payments,
    stars,
    trial,
    trainings,
    privacy,
    whoami,
    mydata,
    deleteme,
    conversation,
    chat,
    refusals,
)

__all__ = [
    "balance",
    "bot",
    "buy",
    "chat",
    "checkout",
    "contact",
    "conversation",
    "deleteme",
    "keys",
    "language",
    "menu",
    "mode",
    "mydata",
    "payments",
    "privacy",
    "profile",
    "promo",
    "referral",
    "refusals",
    "stars",
    "trainings",
    "trial",
    "usage",
    "whoami",
]
