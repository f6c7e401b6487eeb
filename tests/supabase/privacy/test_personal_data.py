"""Every table and column is declared in personal_data.py, and the export and the erasure follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.supabase.privacy.conftest import Sql, SqlUser, call, dump_rows, id_of, next_update
from tests.supabase.privacy.personal_data import TABLES

MARK = "marked-as-hers"
# Columns that refer to a user. A table of fate no_user has none of them.
POINTERS = {"user_id", "telegram_id", "chat_id", "referrer_id", "referred_id", "payload", "parameters"}
# Of admins, who are no users, of AI models, and of users who are erased.
HARMLESS = {"public.admins", "public.ai_models", "public.ai_modes", "private.erasures"}
OF_STAFF = {
    "added_by",
    "assignee_id",
    "admin_id",
    "answered_by",
    "next_action_by",
}  # columns of members of the team, whose erasure empties them
WITH_USER_DATA = [name for name, table in TABLES.items() if table.fate != "no_user"]
# Values of columns that cannot hold the mark.
VALUES = {
    "message_state": "paid",
    "bot": "assistant",
    "role": {
        "public.messages": "user",
        "public.team_members": "manager",
        **dict.fromkeys(("public.staff", "public.staff_invitations"), "operator"),
    },
    "status": {
        "public.user_tokens": "ok",
        "public.user_referrals": "completed",
        "public.telegram_updates": "dead_lettered",
        "public.subscriptions": "expired",
        "public.orders": "pending",
        "public.renewals": "canceled",  # a running renewal would prevent the erasure
        "public.payments": "completed",
        "public.refunds": "done",
        "public.trainings": "finished",
        "public.quiz_runs": "finished",
        "public.training_disputes": "corrected",
        "public.stored_files": "stored",
        "public.conversations": "closed",
        "public.conversation_messages": "sent",
        "public.broadcasts": "done",
        "public.broadcast_recipients": "sent",
        "public.sequence_runs": "finished",
    },
    "slug": "story",
    # The owner's texts, which stay.
    "name": {"public.broadcasts": "News"},
    "segment": "{}",
    "content": {"public.broadcasts": "{}"},
    "clicks": "{}",
    "texts": '{"en": {"title": "Sales"}}',
    "plan_tier": "vip",
    "tier": "vip",
    "next_step": "{}",
    "watched": "{[0,5)}",
    "course_terms": "{}",
    "locked": "{query}",
    "withdrawn_for": "refund",
    "mode": {
        "public.trainings": "drill",
        "public.training_history": "drill",
        "public.assignments": "exam",
    },
    "scenario": {"public.assignments": "spin"},
    "case_id": {"public.assignments": "packaging_line"},
    "difficulty": {"public.trainings": "easy", "public.assignments": "easy"},
    "why": "counted",
    "source": {
        "public.training_turns": "ai",
        "public.enrollments": "purchase",
        "public.enrollment_grants": "purchase",
        "public.conversation_messages": "user",
    },
    "handler": "human",
    "unreachable": "blocked",
    "direction": {"public.conversation_messages": 1},
    **dict.fromkeys(("revealed", "facts_given", "tips", "touches", "parts"), f'["{MARK}"]'),
    "plan": "PREMIUM",
    "access_type": "credits",
    "quantity": {"public.access_usages": 10},
    "badge": "story",
    "freezes": 2,
    "board": "spin",  # stays in board_changes
    "last_four": "1234",
    "ciphertext": b"encrypted",
    "digest": b"digest",
    "way": "bot",
    "code": 42,
    "email": dict.fromkeys(("public.staff", "public.staff_invitations"), f"{MARK}@example.com"),
    "token_hash": b"t" * 32,
    "public_hash": b"p" * 32,
    "browser_hash": b"b" * 32,
    "token": {"public.gifts": "story-token"},
    "period": {
        "public.gifts": "month",
        "public.board_scores": "day",
        "public.renewals": "month",
        "public.orders": "month",
    },
    "kind": {
        "public.telegram_updates": "message",
        "public.api_usage": "chat",
        "public.service_grants": "month",
        "public.orders": "subscription",
        "public.renewals": "subscription",
        "public.payment_operations": "paid",
        "public.quiz_runs": "daily",
        "public.generations": "image",
        "public.stored_files": "images",
        "public.conversation_messages": "text",
        "public.broadcasts": "marketing",
        "public.subscription_events": "new",
    },
    "subscribers": 1,
    "key": {"public.stored_files": f"images/{uuid4()}/{uuid4()}.png"},
    "mime_type": "image/png",
    "topic": "story",
    "questions": {"public.quiz_runs": "{story}", "public.quiz_rounds": "{story}"},
    "answered": 1,
    "shown": 1,
    "right_answers": 1,
    "choice": "{1}",
    "state": {
        "public.quiz_cards": 2,
        "public.generations": "failed",
        "public.homework_submissions": "returned",
    },
    "files": "[]",
    "telegram_files": "[]",
    "poll_id": "story-poll",
    "method": "sendMessage",
    "reservation": "released",
    "reserved_from": "plan",
    "reference": {
        "public.assignments": "1:2",
        "public.audit_log": "story:1",
        "public.balance_transactions": "story:1",
        "public.access_usages": "story:2",
        "public.service_grants": "story:3",
        "public.orders": "assistant:77",
        "public.refunds": "story:1",
        "public.quiz_rounds": "story:1",
    },
    "update_id": 77,
    # Accounting data stay, so they hold no mark.
    "next_product_key": "premium_month",
    "provider": "story",
    "provider_payment_id": "story-payment",
    "provider_subscription_id": "story-subscription",
    "event_key": "story-event",
    "operation_id": "story-payment",
    "type": "payment.succeeded",
    "currency": "RUB",
    "product_key": "credits_100",
    "problem": "amount",
    "effect": {"public.payment_effects": "subscription", "public.generation_effects": "reserved"},
    "notified": "{pending}",
    "is_gift": "false",
}


# The column by which later tables refer to a row of this table.
POINTED_TO = {
    "public.trainings": "training_id",
    "public.training_turns": "turn_id",
    "public.assignments": "assignment_id",
    "public.assignment_tasks": "task_id",
    "public.subscriptions": "subscription_id",
    "public.orders": "order_id",
    "public.renewals": "renewal_id",
    "public.payments": "payment_id",
    "public.quiz_runs": "run_id",
    "public.generations": "generation_id",
    "public.ai_conversations": "conversation_id",
    "public.stored_files": "file_id",
    "public.enrollments": "enrollment_id",
    "public.conversations": "conversation_id",
    "public.conversation_messages": "message_id",
    "public.broadcasts": "broadcast_id",
}
# Columns that identify a row of a table whose rows stay.
KEYS = {"id", "update_id", "payment_id", "effect"}


@pytest.fixture
def catalogue(sql: Sql) -> dict[str, dict[str, dict[str, Any]]]:
    """Return every table (a partitioned one once) with its columns."""
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for row in sql(
        "select n.nspname || '.' || c.relname as table, a.attname as column, "
        "format_type(a.atttypid, null) as type, a.attidentity <> '' or a.attgenerated <> '' as made, "
        "a.attnotnull as needed "
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
        "where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition "
        "order by a.attnum"
    ):
        tables.setdefault(row["table"], {})[row["column"]] = row
    return tables


def words(columns: str) -> set[str]:
    """Split a list of columns."""
    return set(columns.split())


def test_every_table_declares_its_erasure(catalogue: dict[str, Any]) -> None:
    assert set(catalogue) == set(TABLES), "declare the table in tests/supabase/privacy/personal_data.py"


@pytest.mark.parametrize("name", WITH_USER_DATA)
def test_every_column_is_declared(catalogue: dict[str, Any], name: str) -> None:
    table = TABLES[name]
    assert words(table.export) | words(table.not_exported) == set(catalogue[name])
    assert not words(table.export) & words(table.not_exported)
    assert words(table.cleared) <= set(catalogue[name])


def test_a_table_without_user_data_does_not_refer_to_users(catalogue: dict[str, Any], sql: Sql) -> None:
    linked = {
        row["name"]
        for row in sql(
            "select conrelid::regclass::text as name from pg_constraint "
            "where contype = 'f' and confrelid = 'public.users'::regclass"
        )
    }
    for name, table in TABLES.items():
        if table.fate == "no_user":
            assert table.why
            assert name.removeprefix("public.") not in linked
            assert name in HARMLESS or not set(catalogue[name]) & POINTERS


def test_a_foreign_key_does_what_is_declared(sql: Sql) -> None:
    wanted = {"deleted": "c", "anonymized": "n", "emptied": "n"}
    for row in sql(
        "select n.nspname || '.' || c.relname as name, confdeltype as does, a.attname as column "
        "from pg_constraint k "
        "join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1] "
        "join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace "
        "where contype = 'f' and confrelid = 'public.users'::regclass and not c.relispartition"
    ):
        fate = "anonymized" if row["column"] in OF_STAFF else TABLES[row["name"]].fate
        assert row["does"] == wanted[fate], row["name"]


def fill(sql: Sql, columns: dict[str, Any], name: str, pointers: dict[str, Any]) -> dict[str, Any]:
    """Insert a row about a user with a value in every column, and return it."""
    given = {column: _value(name, row, pointers) for column, row in columns.items() if not row["made"]}
    marks = ", ".join(f"%s::{columns[column]['type']}" for column in given)
    (row,) = sql(f"insert into {name} ({', '.join(given)}) values ({marks}) returning *", *given.values())
    return row


def _value(name: str, column: dict[str, Any], pointers: dict[str, Any]) -> Any:
    """Return a value for a column: the mark where it fits."""
    if column["column"] in pointers:
        return pointers[column["column"]]
    given = VALUES.get(column["column"])
    if isinstance(given, dict):
        given = given.get(name)
    return given or {
        "text": MARK,
        "bigint[]": "{5}",
        "jsonb": f'{{"{MARK}": {pointers["telegram_id"]}}}',
        "boolean": "true",
        "date": "2026-01-01",
        "time without time zone": "09:00",
        "timestamp with time zone": "2026-01-01 00:00:00+00",
        "xid8": "5",
        "uuid": "00000000-0000-0000-0000-000000000001",
    }.get(column["type"], 5)


@pytest.fixture
def filled(sql: Sql, catalogue: dict[str, Any], make_user: Callable[..., SqlUser]) -> Any:
    """Return a user with a row in every table about users, all columns filled, the users.id and the rows."""
    anna = make_user(name=MARK)
    user_id = sql(
        "insert into users (telegram_id, username, first_name, last_name, language_code, language, balance) "
        "values (%s, %s, %s, %s, 'ru', 'ru', 5) returning id",
        anna.id,
        *[MARK] * 3,
    )[0]["id"]
    ben = make_user()
    ben.receive(next_update())
    pointers: dict[str, Any] = {"user_id": user_id, "referrer_id": user_id}
    pointers |= {"telegram_id": anna.id, "chat_id": anna.id, "referred_id": id_of(sql, ben) or 0}
    pointers["claims"] = f'{{"telegram_id": {anna.id}}}'
    pointers["events"] = f'[{{"kind": "paid", "telegram_id": {anna.id}, "saved_method": "{MARK}"}}]'
    pointers["promocode_id"] = sql(
        "insert into promocodes (code, kind, value) values ('STORY', 'credits', 5) returning id"
    )[0]["id"]
    pointers["created_by"] = user_id
    pointers["team_id"] = sql(
        "insert into teams (bot, name, time_zone, reference) values ('spin', 'North', 'UTC', '1')"
        " returning id"
    )[0]["id"]
    sql(
        "insert into team_members (team_id, user_id, role) values (%s, %s, 'manager')",
        pointers["team_id"],
        id_of(sql, ben),
    )
    sql(
        "with r as (insert into quiz_rounds (bot, chat_id, language, questions, reference, closes_at) "
        "values ('assistant', -1, 'en', '{q}', 'group:1', now()) returning id) "
        "insert into quiz_polls "
        "(bot, poll_id, round_id, n, question, version, correct_option_ids, message_id) "
        "select 'assistant', 'story-poll', r.id, 1, 'q', '1', '{0}', 1 from r"
    )
    pointers["author_id"] = user_id
    pointers["question_message_id"] = None  # of the conversation with the team, which is filled later
    pointers |= dict.fromkeys(OF_STAFF) | {"operator_id": user_id}
    pointers["label_id"] = sql("insert into messenger_labels (name) values ('vip') returning id")[0]["id"]
    pointers["course_id"] = sql(
        """insert into courses (slug, texts) values ('sales', '{"en": {"title": "Sales"}}') returning id"""
    )[0]["id"]
    pointers["cohort_id"] = sql(
        "insert into cohorts (course_id, key, starts_at) values (%s, 'may', now()) returning id",
        pointers["course_id"],
    )[0]["id"]
    pointers["lesson_id"] = pointers["last_lesson_id"] = sql(
        "insert into lessons (course_id, slug, texts)"
        """ values (%s, 'first', '{"en": {"title": "First"}}') returning id""",
        pointers["course_id"],
    )[0]["id"]
    pointers |= dict.fromkeys(("updated_by", "started_by", "approved_by", "accepted_by", "taken_by"), user_id)
    pointers["last_marketing_by"] = sql("insert into broadcasts (name) values ('News') returning id")[0]["id"]
    pointers["link_id"] = sql("insert into ad_links (key, name) values ('story', 'Ad') returning id")[0]["id"]
    pointers["sequence_id"] = sql(
        "insert into sequences (name, event) values ('Welcome', 'start') returning id"
    )[0]["id"]
    rows = {}
    for name in WITH_USER_DATA:
        if name != "public.users":
            rows[name] = fill(sql, catalogue[name], name, pointers)
        if name in POINTED_TO:
            pointers[POINTED_TO[name]] = rows[name]["id"]
    return anna, user_id, rows


@pytest.mark.parametrize("name", WITH_USER_DATA)
def test_declared_columns_are_exported(
    filled: Any, connect: Callable[..., psycopg.Connection], name: str
) -> None:
    table = TABLES[name]
    with connect() as connection:
        exported = call(connection, "export_user_data", p_user_id=filled[1])
    section = exported["sections"] | {"messages": exported["messages"]}
    for part in table.section.split("."):
        section = section[part]
    if name == "public.user_referrals":  # each of both users gets an own view
        section = section["invited"]
        expected = words(table.export) - {"referred_credits"}
    else:
        expected = words(table.export)
    rows = section if isinstance(section, list) else [section]
    assert rows
    for row in rows:
        assert set(row) == expected


@pytest.mark.parametrize("name", WITH_USER_DATA)
def test_declared_data_are_erased(sql: Sql, filled: Any, name: str) -> None:
    anna, user_id, filled_rows = filled
    count = sql(f"select count(*) as n from {name}")[0]["n"]
    anna.erase(balance="1000")
    table = TABLES[name]
    left = sql(f"select count(*) as n from {name}")[0]["n"]
    if table.fate == "deleted":
        assert left < count
    else:
        assert left >= count
    pointers = {"user_id", "referrer_id", "referred_id"} & words(f"{table.export} {table.not_exported}")
    for pointer in pointers:
        assert not sql(f"select from {name} where {pointer} = %s", user_id)
    if table.cleared:
        key = {column: value for column, value in filled_rows[name].items() if column in KEYS}
        same = " and ".join(f"{column} = %s" for column in key)
        (row,) = sql(f"select * from {name} where {same}", *key.values())
        assert {column for column in words(table.cleared) if row[column] not in (None, 0, "", [])} == set()
    rows = [line for line in dump_rows(sql).splitlines() if MARK in line]
    # Admins and other services keep their own texts free of names (documented).
    assert [line for line in rows if "story:1" not in line] == []
    assert str(anna.id) not in "\n".join(
        line for line in dump_rows(sql).splitlines() if "story:1" not in line
    )
