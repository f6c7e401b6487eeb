"""Messages of the team reach users through the job and pages; a killed sender loses and doubles nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.features.messenger import sending
from tests.stories.messenger_team import Call, make_operator, make_user, queue
from tests.stories.test_messenger_thread import conversation_of, thread_of
from tests.support import deliver_until_done, eventually, in_parallel, message_update, says
from tests.telegram.test_updates import Sql, history_of, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

LATER = "clock_timestamp() + interval '5 minutes'"


def run(stack: Stack) -> dict[str, int]:
    """Run the job."""
    counts: dict[str, int] = stack.run_job("messenger").json()
    return counts


@pytest.fixture
def as_function(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of the stack's functions in this process."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return make_user(stack)


@pytest.fixture
def olga(stack: Stack, sql: Sql) -> int:
    return make_operator(stack, sql)


def test_the_job_delivers_what_is_queued(stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int) -> None:
    queue(call, sql, olga, anna, "Hello, Anna!", p_buttons=[[{"text": "Site", "url": "https://example.com"}]])
    queue(call, sql, olga, anna, "Second.")
    assert run(stack)["sent"] == 2
    first, second = anna.answers()[1:]
    assert (first.text, second.text) == ("Hello, Anna!", "Second.")
    assert first.buttons[0][0].url == "https://example.com"
    messages = [m for m in thread_of(sql, anna.id) if m["source"] == "staff"]
    assert [m["telegram_message_id"] for m in messages] == [first.message_id, second.message_id]
    assert run(stack)["sent"] == 0


def test_the_users_next_question_goes_to_the_human(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    queue(call, sql, olga, anna, "Hello!")
    run(stack)
    anna.send("thanks, and how much is it?").wait()
    assert stack.ai.requests == []
    assert conversation_of(sql, anna.id)["waiting_since"] is not None
    assert conversation_of(sql, anna.id)["unread_count"] == 1


def test_a_rate_limit_postpones_and_a_lost_answer_is_unknown(
    stack: Stack, call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int
) -> None:
    queue(call, sql, olga, anna, "limited")
    stack.telegram.fail("sendMessage", 429, retry_after=30)
    run(stack)
    assert thread_of(sql, anna.id)[-1]["status"] == "queued"
    clock(LATER)
    run(stack)
    assert thread_of(sql, anna.id)[-1]["status"] == "sent"
    queue(call, sql, olga, anna, "lost")
    stack.telegram.fail("sendMessage", 502, executed=True)
    run(stack)
    message = thread_of(sql, anna.id)[-1]
    assert message["status"] == "unknown"
    clock("clock_timestamp() + interval '20 minutes'")
    run(stack)
    assert sent_to(stack, anna.id).count("lost") <= 1
    assert thread_of(sql, anna.id)[-1]["status"] == "unknown"


@pytest.mark.parametrize(
    ("description", "error"),
    [
        ("Forbidden: bot was blocked by the user", "blocked"),
        ("Forbidden: user is deactivated", "deactivated"),
    ],
)
def test_a_refusal_is_shown_with_its_reason(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int, description: str, error: str
) -> None:
    queue(call, sql, olga, anna, "hello?")
    stack.telegram.fail("sendMessage", 403, description=description)
    run(stack)
    message = thread_of(sql, anna.id)[-1]
    assert (message["status"], message["error"]) == ("failed", error)
    assert conversation_of(sql, anna.id)["unreachable"] == error
    call("retry_conversation_message", olga, message["id"])
    run(stack)
    assert thread_of(sql, anna.id)[-2]["status"] == "sent" or thread_of(sql, anna.id)[-1]["status"] == "sent"
    assert conversation_of(sql, anna.id)["unreachable"] is None


STEPS = {
    "before it is claimed": ("claim_conversation_delivery", "before", "queued"),
    "after it is claimed": ("claim_conversation_delivery", "after", "unknown"),
    "before it is recorded": ("record_conversation_delivery", "before", "unknown"),
    "after it is recorded": ("record_conversation_delivery", "after", "sent"),
}


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_is_lost_or_sent_twice(
    stack: Stack, call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int, step: str
) -> None:
    name, when, status = STEPS[step]
    queue(call, sql, olga, anna, "exactly once")
    job = stack.function("scheduled")
    stack.database.on(name, when=when, do=job.kill)  # type: ignore[arg-type]
    with suppress(ValueError):  # no answer of a killed function
        run(stack)
    eventually(lambda: not job.pid, 15)
    clock(LATER)
    job.restart()
    run(stack)
    message = next(m for m in thread_of(sql, anna.id) if m["source"] == "staff")
    assert message["status"] == ("sent" if status == "queued" else status)
    sent = sent_to(stack, anna.id).count("exactly once")
    assert sent == (0 if step == "after it is claimed" else 1)


def test_two_hundred_messages_at_once_keep_order_and_counts_exact(
    stack: Stack, call: Call, sql: Sql, olga: int
) -> None:
    user = stack.telegram.user("Anna", "en")
    anna = user.chat("assistant")
    anna.send("/start").wait()
    sql("select private.switch_handler(c, 'human', null) from conversations as c for update")
    before = conversation_of(sql, anna.id)
    found, read = before["id"], before["last_seq"]
    call("mark_conversation_read", olga, found, read)

    def act(number: int) -> str:
        if number % 2:
            update = message_update(user, f"in {number}", message_id=50_000_000 + number)
            return str(deliver_until_done(stack.telegram, update, "assistant").status)
        # An operator who does not care what is new.
        return str(queue(call, sql, olga, anna, f"out {number}", p_seen_seq=2**40)["outcome"])

    # Each reply marks what is there as read; the user's messages after it are unread again.
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    earlier = sql(deadlocks)
    outcomes = in_parallel(200, act)
    assert sql(deadlocks) == earlier
    assert set(outcomes) == {"200", "sent_to_queue"}
    messages = thread_of(sql, anna.id)
    assert [m["seq"] for m in messages] == list(range(1, len(messages) + 1))
    assert len([m for m in messages if m["body"].startswith("in ")]) == 100
    assert len([m for m in messages if m["body"].startswith("out ")]) == 100
    assert sorted(m["version"] for m in messages) == sorted({m["version"] for m in messages})
    after = conversation_of(sql, anna.id)
    assert after["last_seq"] == len(messages)
    assert after["unread_count"] == len([m for m in messages if m["direction"] == 0 and not m["read"]])
    newest_in = max(m["seq"] for m in messages if m["body"].startswith("in "))
    assert after["last_in_seq"] == newest_in
    while run(stack)["sent"]:
        pass
    sent = [text for text in sent_to(stack, anna.id) if text.startswith("out ")]
    assert sent == [m["body"] for m in thread_of(sql, anna.id) if m["body"].startswith("out ")]


def test_the_job_gives_the_conversation_back_and_says_so_once(
    stack: Stack, call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int
) -> None:
    queue(call, sql, olga, anna, "Hello!")
    run(stack)
    clock("clock_timestamp() + interval '12 hours 1 minute'")
    assert run(stack)["returned"] == 1
    assert says(anna.answers()[-1].text, "bot_is_back")
    run(stack)
    assert len([a for a in anna.answers() if says(a.text, "bot_is_back")]) == 1
    stack.ai.next(AiBehaviour(text="It is me."))
    anna.send("hello bot").wait()
    stack.telegram.idle(10)
    assert anna.answers()[-1].text == "It is me."
    assert history_of(sql, anna.id) == ["user", "assistant"]


@pytest.mark.usefixtures("as_function")
def test_a_page_sends_edits_and_deletes(stack: Stack, sql: Sql, anna: Chat, olga: int) -> None:
    found = conversation_of(sql, anna.id)
    sent = sending.send(olga, found["id"], "Helo!", found["last_seq"], "r1")
    notice, message = anna.answers()[1:]
    assert says(notice.text, "messenger_taken_over")
    assert message.text == "Helo!"
    assert sending.edit(olga, sent["message"]["id"], "Hello!")["outcome"] == "edited"
    assert anna.answers()[-1].text == "Hello!"
    picture = ("cat.png", b"\x89PNG\r\n\x1a\n" + b"0" * 20, "image/png")
    seen = conversation_of(sql, anna.id)["last_seq"]
    sending.send(olga, found["id"], "our cat", seen, "r2", kind="document", file=picture)
    document = thread_of(sql, anna.id)[-1]
    assert (document["status"], document["kind"]) == ("sent", "document")
    assert document["media"]["file_id"]
    assert "upload" not in document["media"]
    deleted = sending.delete(olga, sent["message"]["id"])
    assert deleted["outcome"] == "deleted"
    assert deleted["message"]["body"] == "Hello!"
    with pytest.raises(sending.SecretInText):
        sending.send(olga, found["id"], "key sk-" + "proj1234567890abcdefghij", seen, "r3")
    stack.telegram.fail("editMessageText", 400, description="Bad Request: message can't be edited")
    again = sending.send(olga, found["id"], "Bye", conversation_of(sql, anna.id)["last_seq"], "r4")
    with pytest.raises(TelegramError):
        sending.edit(olga, again["message"]["id"], "Bye!")
    assert thread_of(sql, anna.id)[-1]["body"] == "Bye"
