"""Messages of jobs: they take a place at the bot's rate, and wait in the outbox when there is none."""

from __future__ import annotations

from tests.support import started_user
from tests.telegram.test_updates import Sql, sent_to
from tools.emulator.stack import Stack

REMINDER = """
    insert into reminders (user_id, bot, words, due_at, reference)
    select u.id, 'assistant', 'call mother', private.clock(), 'test' from users as u where u.telegram_id = %s
"""


def reminded(stack: Stack, chat_id: int) -> int:
    """Return how many reminders reached a chat."""
    return sum("call mother" in text for text in sent_to(stack, chat_id))


def test_reminders_take_places_at_the_rate_of_the_bot(stack: Stack, sql: Sql) -> None:
    chats = [started_user(stack.telegram) for _ in range(3)]
    sql("update private.settings set value = '1' where key = 'message_rate'")
    sql("delete from private.bot_pace")
    for chat in chats:
        sql(REMINDER, chat.id)
    (before,) = sql("select private.clock() as now")
    assert stack.run_job("reminders").json() == {"reminders": 3}
    (pace,) = sql("select next_at - %s >= interval '3 seconds' as moved from private.bot_pace", before["now"])
    assert pace["moved"]
    assert [reminded(stack, chat.id) for chat in chats] == [1, 1, 1]


def test_reminders_wait_in_the_outbox_while_the_bot_is_paused(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    sql(REMINDER, anna.id)
    sql("delete from private.bot_pace")
    sql(
        "insert into private.bot_pace (bot, paused_until)"
        " values ('assistant', private.clock() + interval '10 minutes')"
    )
    assert stack.run_job("reminders").status == 200
    assert reminded(stack, anna.id) == 0
    stack.run_job("sweep")
    assert reminded(stack, anna.id) == 0, "not before the pause is over"
    sql("update telegram_outbox set send_after = private.clock()")
    stack.run_job("sweep")
    assert reminded(stack, anna.id) == 1
