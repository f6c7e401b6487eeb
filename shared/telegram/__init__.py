"""The way of one update: receive ─▶ work ─▶ answer.

    webhook.py    HTTP: whose call is it, is it usable, which status makes the sender do the right thing
    incoming.py   what an update says, as our rules see it
    pipeline.py   the three steps, and what follows when one fails
    unit.py       the unit of work a handler changes: reply, session, history, reservation
    bans.py       whom no bot serves
    bot.py        `Bot`, a telebot TeleBot whose handlers run inside the unit of work
    api.py        calls to the Bot API          outbox.py   calls that are owed
    previews.py   switches link previews off    quoting.py  what a message replies to, for the AI
    tolerant.py   reads updates that are newer than telebot
    membership.py who is in a channel
    fallback.py   the same without a database   sweep.py    what a dead worker left behind

A handler imports from here: `from shared.telegram import Bot, current, reply`.
"""

from shared.telegram import light_telebot  # isort: skip -- before telebot is imported anywhere
from shared.telegram.bot import Bot
from shared.telegram.context import current_context, reply

__all__ = ["Bot", "current_context", "light_telebot", "reply"]
