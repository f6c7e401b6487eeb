"""The sample course in the bots: loads it, and drives a learner's chat."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from shared.core import texts
from shared.features.courses import library
from tests.stories.test_trial import labels, tap
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
SAMPLE = library.FOLDER / "telegram-sales"
TITLE = {"en": "Sell with a Telegram bot", "ru": "Продажи через Telegram-бота"}
BASIC = {"en": "Telegram course: Basic", "ru": "Курс по Telegram: базовый"}


def load(sql: Sql) -> None:
    """Load the sample course and put it on sale."""
    sql("select private.load_course(%s::jsonb, false, true)", json.dumps(library.read(SAMPLE)))


def ask(chat: Chat, text: str) -> Answer:
    """Send a text; return the answer to it, whatever came before."""
    seen = {one.message_id for one in chat.answers()}
    chat.send(text).wait()
    return eventually(lambda: next((one for one in chat.answers() if one.message_id not in seen), None))


def learner(stack: Stack, language: str, bot: str = "assistant") -> Chat:
    """Return the chat of a new user who has started a bot."""
    chat = stack.telegram.user("Anna", language_code=language).chat(bot)
    ask(chat, "/start")
    return chat


def words(language: str, key: str, **values: object) -> str:
    """Return a text of the product."""
    return texts.text(language, key, **values)


def press(answer: Answer, language: str, key: str, **values: object) -> Answer:
    """Tap the button with this text; return the message that it edits."""
    return tap(answer, words(language, key, **values))


def button(answer: Answer, part: str) -> str:
    """Return the label of the button that holds these words."""
    found = [label for label in labels(answer) if part in label]
    assert found, f"no {part!r} among {labels(answer)}"
    return found[0]


def buy(sql: Sql, stack: Stack, chat: Chat, language: str) -> str:
    """Buy the basic tier with Stars from the course's page; return the id of the charge."""
    page = tap(ask(chat, "/courses"), f"🔎 {TITLE[language]}")
    page = tap(page, button(page, BASIC[language]))
    page = tap(page, button(page, "⭐"))
    link = next(one.url for row in page.buttons for one in row if one.url)
    charge = str(chat.pay(link).wait().charge_id)
    thanks = words(language, "paid_course", title=BASIC[language]).replace("*", "")
    eventually(lambda: [one for one in chat.answers() if thanks in one.text])
    return charge


def give(sql: Sql, chat: Chat, tier: str = "basic") -> None:
    """Give a learner a tier by hand."""
    sql(
        "select private.grant_tier(u.id, c.id, %s, (select g from (select 'manual' as source) as s "
        "cross join lateral jsonb_populate_record(null::public.enrollment_grants, "
        '\'{"source": "manual", "amount": 0}\') as g)) '
        "from public.users as u, public.courses as c where u.telegram_id = %s and c.slug = 'telegram-sales'",
        tier,
        chat.id,
    )
