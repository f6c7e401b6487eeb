"""The update pipeline: receive ─▶ work ─▶ answer.

    webhook.py          HTTP edge: authentication, validation, status
    update.py           an update: sender, chat, kind, content
    update_parsing.py   parses webhook bodies      messages.py   parameters of messages and keyboards
    pipeline.py         the three steps            failures.py   retries and dead letters
    responses.py        HTTP responses and Retry-After
    context.py          `UpdateContext`: replies and changes that a handler makes, committed together
    context_loading.py  builds the context         user.py       the user, limits and ban in it
    waits.py            waits for what the user types
    bot.py              `Bot`, a telebot TeleBot whose handlers run in a context
    payment_updates.py  updates that bypass session and lease
    sessionless.py      votes and stopped drafts, which have no session
    fallback.py         answers without a database
    bans.py             banned users
    outbox.py           delivers stored calls      templates.py  renders messages that SQL enqueued
    sweep.py            the job that finishes what crashed workers left
    api.py              calls to the Bot API       link_previews.py  disables link previews
    tolerant.py         parses updates that are newer than telebot
    quoting.py          the message replied to, for the AI
    split.py            splits long texts          markdown/     renders the AI's Markdown
    membership.py       channel membership         menus.py      command menus

A handler imports from here: `from shared.telegram import Bot, current_context, reply`.
"""

from shared.telegram import light_telebot  # isort: skip -- before telebot is imported anywhere
from shared.telegram.bot import Bot
from shared.telegram.context import current_context, reply

__all__ = ["Bot", "current_context", "light_telebot", "reply"]
