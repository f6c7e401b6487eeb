"""Members of the team answer users: takeover, conflicts, delivery, edits, reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.stories.messenger_team import Call, make_operator, make_user, queue
from tests.stories.test_messenger_thread import conversation_of, thread_of
from tests.support import in_parallel
from tests.telegram.test_updates import Sql
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

NOTICE = {"en": "A human is here.", "ru": "Здесь человек."}


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return make_user(stack)


@pytest.fixture
def olga(stack: Stack, sql: Sql) -> int:
    return make_operator(stack, sql)


def claim(call: Call, chat: Chat, sql: Sql) -> Any:
    """Claim the next delivery of a user's conversation."""
    return call("claim_conversation_delivery", conversation_of(sql, chat.id)["id"])


def record(call: Call, claimed: Any, outcome: str, **more: Any) -> str:
    """Record how a delivery ended."""
    given = {"p_message_id": claimed["message_id"], "p_lease": claimed["lease"], "p_outcome": outcome} | more
    return str(call("record_conversation_delivery", **given)["outcome"])


def test_the_first_reply_takes_over_and_the_user_is_notified_once(
    call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    queued = queue(call, sql, olga, anna, "Hello, I am Olga.", p_notice=NOTICE)
    assert queued["outcome"] == "sent_to_queue"
    assert queued["conversation"]["handler"] == "human"
    assert queued["conversation"]["assignee"]["id"] == olga
    assert (queued["conversation"]["unread_count"], queued["conversation"]["is_unread"]) == (0, False)
    queue(call, sql, olga, anna, "How can I help?", p_notice=NOTICE)
    bodies = []
    while claimed := claim(call, anna, sql):
        bodies.append(claimed["body"])
        record(call, claimed, "sent", p_telegram_message_id=1000 + len(bodies))
    assert bodies == ["A human is here.", "Hello, I am Olga.", "How can I help?"]
    assert {m["status"] for m in thread_of(sql, anna.id) if m["source"] == "staff"} == {"sent"}
    assert conversation_of(sql, anna.id)["takeovers"] == 1


def test_who_was_slower_gets_a_conflict_with_what_came_since(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    ben = make_operator(stack, sql, "Ben")
    seen = conversation_of(sql, anna.id)["last_seq"]
    queue(call, sql, olga, anna, "Hello!", p_seen_seq=seen)
    conflict = queue(call, sql, ben, anna, "Hi!", p_seen_seq=seen)
    assert conflict["outcome"] == "conflict"
    assert [m["body"] for m in conflict["messages"]] == ["Hello!"]
    again = queue(call, sql, olga, anna, "And one more.", p_seen_seq=seen)  # an own message is no conflict
    assert again["outcome"] == "sent_to_queue"
    anna.send("wait, another question").wait()
    conflict = queue(call, sql, olga, anna, "Bye.", p_seen_seq=seen + 3)
    assert [m["body"] for m in conflict["messages"]] == ["wait, another question"]


def test_two_members_at_once_send_one_message(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    members = [olga, *(make_operator(stack, sql, f"Ben{n}") for n in range(7))]
    found = conversation_of(sql, anna.id)
    outcomes = in_parallel(
        8, lambda n: queue(call, sql, members[n], anna, f"from {n}", p_seen_seq=found["last_seq"])["outcome"]
    )
    assert sorted(outcomes) == ["conflict"] * 7 + ["sent_to_queue"]
    assert len([m for m in thread_of(sql, anna.id) if m["source"] == "staff"]) == 1


def test_a_repeated_form_is_one_message(call: Call, sql: Sql, anna: Chat, olga: int) -> None:
    reference = str(uuid4())
    first = queue(call, sql, olga, anna, "Once.", p_reference=reference)
    again = queue(call, sql, olga, anna, "Once.", p_reference=reference)
    assert first["message"]["id"] == again["message"]["id"]
    assert len([m for m in thread_of(sql, anna.id) if m["source"] == "staff"]) == 1


def test_a_message_for_later_takes_over_when_it_is_due(
    call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int
) -> None:
    (row,) = sql("select private.clock() + interval '1 hour' as later")
    queue(call, sql, olga, anna, "Good morning!", p_send_after=row["later"])
    assert conversation_of(sql, anna.id)["handler"] == "bot"
    assert claim(call, anna, sql) is None
    clock("clock_timestamp() + interval '61 minutes'")
    assert claim(call, anna, sql)["body"] == "Good morning!"
    assert conversation_of(sql, anna.id)["handler"] == "human"


def test_a_postponed_message_holds_back_those_behind_it(
    call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int
) -> None:
    queue(call, sql, olga, anna, "first")
    queue(call, sql, olga, anna, "second")
    first = claim(call, anna, sql)
    assert claim(call, anna, sql) is None  # the second one waits while the first is being sent
    record(call, first, "later", p_retry_after=30)
    assert claim(call, anna, sql) is None
    clock("clock_timestamp() + interval '31 seconds'")
    assert claim(call, anna, sql)["body"] == "first"


def test_a_sender_that_dies_leaves_an_unknown_message_that_is_sent_again_by_hand_only(
    call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int
) -> None:
    queue(call, sql, olga, anna, "Did it arrive?")
    dead = claim(call, anna, sql)
    clock("clock_timestamp() + interval '5 minutes'")
    assert call("expire_conversation_deliveries")["unknown"] == 1
    message = thread_of(sql, anna.id)[-1]
    assert message["status"] == "unknown"
    assert claim(call, anna, sql) is None
    call("retry_conversation_message", olga, message["id"])
    again = claim(call, anna, sql)
    assert again["message_id"] == message["id"]
    assert record(call, dead, "sent", p_telegram_message_id=77) == "superseded"
    assert record(call, again, "sent", p_telegram_message_id=78) == "recorded"
    assert thread_of(sql, anna.id)[-1]["telegram_message_id"] == 78


def test_a_slow_sender_still_records_its_result(
    call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int
) -> None:
    queue(call, sql, olga, anna, "Slow.")
    slow = claim(call, anna, sql)
    clock("clock_timestamp() + interval '5 minutes'")
    call("expire_conversation_deliveries")
    assert record(call, slow, "sent", p_telegram_message_id=77) == "recorded"
    assert thread_of(sql, anna.id)[-1]["status"] == "sent"


def test_a_blocked_bot_is_a_failure_with_its_reason(call: Call, sql: Sql, anna: Chat, olga: int) -> None:
    anna.send("help me").wait()
    queue(call, sql, olga, anna, "Hello?")
    record(call, claim(call, anna, sql), "failed", p_error="blocked")
    found = conversation_of(sql, anna.id)
    assert (found["unreachable"], thread_of(sql, anna.id)[-1]["error"]) == ("blocked", "blocked")
    assert found["waiting_since"] is not None  # nothing arrived: the user still waits
    assert sql("select is_active from users where telegram_id = %s", anna.id) == [{"is_active": False}]


def test_others_see_and_do_nothing(stack: Stack, call: Call, sql: Sql, anna: Chat) -> None:
    found = conversation_of(sql, anna.id)["id"]
    author = make_operator(stack, sql, "Vera", "author")
    stranger = sql("select id from users where telegram_id = %s", anna.id)[0]["id"]
    for actor in (author, stranger, 0):
        for function, *values in (
            ("find_conversations",),
            ("read_conversation", found),
            ("conversation_changes", "1"),
            ("send_conversation_message", found, "x", 0, "r"),
            ("assign_conversation", found, actor),
            ("close_conversation", found),
            ("add_conversation_note", found, "x", "r"),
            ("messenger_figures",),
            ("list_canned_replies",),
            ("list_operators",),
        ):
            with pytest.raises(psycopg.Error) as refused:
                call(function, actor, *values)
            assert refused.value.sqlstate == "N0009", function


def test_reading_moves_the_watermark_of_one_member(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    ben = make_operator(stack, sql, "Ben")
    found = conversation_of(sql, anna.id)
    page = call("read_conversation", olga, found["id"])
    assert page["conversation"]["is_unread"] and page["read_seq"] == 0
    read = call("mark_conversation_read", olga, found["id"], found["last_seq"])
    assert (read["unread_count"], read["is_unread"]) == (0, False)
    unread = {"unread": True}
    assert call("find_conversations", olga, unread)["conversations"] == []
    assert len(call("find_conversations", ben, unread)["conversations"]) == 1
    call("mark_conversation_unread", olga, found["id"])
    assert len(call("find_conversations", olga, unread)["conversations"]) == 1
    entries = sql("select user_id from audit_log where action = 'read_conversation'")
    call("read_conversation", olga, found["id"])
    assert len(entries) == 1 == len(sql("select from audit_log where action = 'read_conversation'"))


def test_the_audit_log_has_who_wrote_and_changed_what(call: Call, sql: Sql, anna: Chat, olga: int) -> None:
    found = conversation_of(sql, anna.id)
    queue(call, sql, olga, anna, "Hello!")
    call("close_conversation", olga, found["id"])
    entries = sql("select action, admin_email, user_id from audit_log order by id")
    assert [entry["action"] for entry in entries] == [
        "conversation_taken_over",
        "send_message",
        "conversation_closed",
    ]
    assert {entry["user_id"] for entry in entries} == {found["user_id"]}
    assert all(entry["admin_email"].startswith("olga") for entry in entries)


def test_pages_of_a_thread_meet_without_a_gap(call: Call, sql: Sql, anna: Chat, olga: int) -> None:
    for number in range(12):
        call("add_conversation_note", olga, conversation_of(sql, anna.id)["id"], f"n{number}", f"r{number}")
    found = conversation_of(sql, anna.id)["id"]
    newest = call("read_conversation", olga, found, p_limit=5)
    before = call("read_conversation", olga, found, p_before=newest["messages"][0]["seq"], p_limit=5)
    assert [m["seq"] for m in before["messages"] + newest["messages"]] == list(range(5, 15))
    assert (newest["has_earlier"], newest["has_later"], before["has_later"]) == (True, False, True)
    after = call("read_conversation", olga, found, p_after=9, p_limit=3)
    assert [m["seq"] for m in after["messages"]] == [10, 11, 12]
    assert after["has_later"] and after["has_earlier"]


def test_changes_come_once_each_whatever_the_order_of_the_commits(
    call: Call, sql: Sql, connections: Any, anna: Chat, olga: int
) -> None:
    found = conversation_of(sql, anna.id)["id"]
    start = call("find_conversations", olga)["cursor"]
    version = conversation_of(sql, anna.id)["last_version"]
    with connections.one() as slow:
        slow.execute("begin")
        slow.execute("select private.touch_conversation(%s)", (found,))  # has an id, and is not committed
        sql("select pg_current_xact_id()")
        first = call("conversation_changes", olga, start)
        assert first["conversations"] == []
        slow.execute("commit")
    second = call("conversation_changes", olga, first["cursor"])
    assert [c["id"] for c in second["conversations"]] == [found]
    note = call("add_conversation_note", olga, found, "words", "r")
    third = call("conversation_changes", olga, second["cursor"], found, version)
    assert [m["id"] for m in third["messages"]] == [note["id"]]
    last = call("conversation_changes", olga, third["cursor"], found, third["messages"][-1]["version"])
    assert last["messages"] == []


@pytest.mark.parametrize("query", ["Anna", "annchen", "@annchen", "hello wor", "привет"])
def test_a_conversation_is_found(stack: Stack, call: Call, sql: Sql, olga: int, query: str) -> None:
    anna = make_user(stack)
    make_user(stack, "Boris")
    sql("update users set username = 'annchen77' where telegram_id = %s", anna.id)
    queue(call, sql, olga, anna, "Hello, WORLD! Привет, мир")
    if query.startswith("@"):
        query += "77"
    ids = [c["user"]["telegram_id"] for c in call("find_conversations", olga, p_query=query)["conversations"]]
    assert ids == [anna.id]
    assert call("find_conversations", olga, p_query=str(anna.id))["conversations"]
    assert call("find_conversations", olga, p_query="xylophone")["conversations"] == []


def test_filters_and_pages_of_the_list(stack: Stack, call: Call, sql: Sql, olga: int) -> None:
    chats = [make_user(stack, f"User{n}") for n in range(5)]
    ids = [conversation_of(sql, chat.id)["id"] for chat in chats]
    call("assign_conversation", olga, ids[0], olga)
    call("close_conversation", olga, ids[1])
    (row,) = sql("select private.clock() + interval '1 hour' as later")
    call("snooze_conversation", olga, ids[2], row["later"])
    label = call("save_messenger_label", olga, None, "vip", "red")["id"]
    call("label_conversation", olga, ids[3], label, True)
    sql("update conversations set ai_ready_score = 90, waiting_since = private.clock() where id = %s", ids[4])

    def found(**filters: Any) -> set[int]:
        return {c["id"] for c in call("find_conversations", olga, filters)["conversations"]}

    assert found() == {ids[0], ids[3], ids[4]}
    assert found(assignee="mine") == {ids[0]}
    assert found(assignee="none") == {ids[3], ids[4]}
    assert found(status="closed") == {ids[1]}
    assert found(status="snoozed") == {ids[2]}
    assert found(label=label) == {ids[3]}
    assert found(ready=[86, 100]) == found(waiting=True) == found(sort="waiting") == {ids[4]}
    assert found(bot="quiz") == set()
    seen: list[int] = []
    cursor = None
    while True:
        page = call("find_conversations", olga, {"status": "all"}, p_cursor=cursor, p_limit=2)
        seen += [c["id"] for c in page["conversations"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted(ids, reverse=True)


def test_closing_asks_and_the_first_answer_counts(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    found = conversation_of(sql, anna.id)["id"]
    user = conversation_of(sql, anna.id)["user_id"]
    call("assign_conversation", olga, found, olga)
    call("close_conversation", olga, found, {"en": "How was it?"}, ["1", "2", "3", "4", "5"])
    claimed = claim(call, anna, sql)
    assert claimed["body"] == "How was it?"
    assert claimed["buttons"][4][0] == {"text": "5", "data": f"rate:{found}:5"}
    assert call("rate_conversation", user, found, 4)["outcome"] == "rated"
    assert call("rate_conversation", user, found, 1)["outcome"] == "late"
    assert conversation_of(sql, anna.id)["rating"] == 4
    figures = call("messenger_figures", olga)
    (day,) = figures["days"]
    assert (day["closed"], day["ratings"], day["rating_sum"]) == (1, 1, 4)
    call("reopen_conversation", olga, found)
    call("close_conversation", olga, found, {"en": "How was it?"}, ["1", "2", "3", "4", "5"])
    record(call, claimed, "sent", p_telegram_message_id=900)
    assert claim(call, anna, sql) is None  # one question a day


def test_a_reply_counts_how_long_the_user_waited(
    call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int
) -> None:
    sql("select private.switch_handler(c, 'human', null) from conversations as c for update")
    anna.send("anyone?").wait()
    clock("clock_timestamp() + interval '2 hours'")
    figures = call("messenger_figures", olga)
    assert (figures["waiting"], figures["late"]) == (1, 1)
    queue(call, sql, olga, anna, "Sorry for the wait.")
    figures = call("messenger_figures", olga)
    assert (figures["waiting"], figures["days"][0]["answered"], figures["days"][0]["late"]) == (0, 1, 1)
    assert 7190 < figures["days"][0]["waited_seconds"] < 7300


def test_a_macro_labels_assigns_and_closes(call: Call, sql: Sql, anna: Chat, olga: int) -> None:
    label = call("save_messenger_label", olga, None, "refund", "red")["id"]
    macro = call(
        "save_canned_reply", olga, None, "refund", {"en": "Done, {first_name}."}, [label], True, True
    )["id"]
    used = call("use_canned_reply", olga, conversation_of(sql, anna.id)["id"], macro)
    assert (used["status"], used["assignee"]["id"], used["labels"][0]["name"]) == ("closed", olga, "refund")
    (listed,) = call("list_canned_replies", olga)
    assert (listed["shortcut"], listed["used_count"]) == ("refund", 1)
    with pytest.raises(psycopg.Error):
        call("save_canned_reply", olga, None, "refund", {"en": "Again."})


def test_who_views_and_types_is_seen_by_the_others(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    ben = make_operator(stack, sql, "Ben")
    found = conversation_of(sql, anna.id)["id"]
    first = call("view_conversation", olga, found, True)
    assert first["action"]["chat_id"] == anna.id
    assert call("view_conversation", olga, found, True)["action"] is None  # shown a moment ago
    (viewer,) = call("view_conversation", ben, found)["viewers"]
    assert (viewer["id"], viewer["is_typing"]) == (olga, True)


def test_drafts_are_of_one_member_and_go_with_the_reply(call: Call, sql: Sql, anna: Chat, olga: int) -> None:
    found = conversation_of(sql, anna.id)["id"]
    call("save_conversation_draft", olga, found, "Dear An")
    page = call("read_conversation", olga, found)
    assert (page["draft"], page["conversation"]["has_draft"]) == ("Dear An", True)
    queue(call, sql, olga, anna, "Dear Anna")
    assert call("read_conversation", olga, found)["draft"] is None
