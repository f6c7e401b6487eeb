"""With many users and long conversations, no SQL function reads a table from one end to the other.

Postgres counts the scans of a transaction, those inside of functions included; the embedded one brings no
auto_explain. A plan may change once a connection has made the same call a few times, so both are looked at.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from tests.tools.database.many_rows import FILL
from tools.database.embedded import Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MANY = 1_000  # rows that one call may read of a table, however many there are
# Calls that read more, of counters that grow with the days and models alone.
COUNTERS_READ = {  # days, shards, models or steps
    "admin_overview": 30 * 16 * 5,
    "analytics_costs": 30 * 16 * 5,
    "analytics_funnel": 30 * 16 * 5,
}
# Calls that read everything, because that is what they are asked for.
READS_ALL = {
    "admin_check", "admin_statement", "admin_revenue",  # what moved in 30 days
    "admin_bot_stats", "admin_funnel",  # the sessions of a bot; those that began in 30 days
}  # fmt: skip
# A handful of rows each, which are quickest read all.
SMALL = {
    "settings",
    "ai_modes",  # a few modes that users choose between
    "subscription_limits",
    "admins",
    "products",
    "staff",
    "product_prices",
    "levels",
    "xp_rules",
    "badges",
    "board_changes",
    "analytics_days",  # a row a day
    "bot_pace",  # a row of each bot
    "quiz_challenges",  # a row a day of each bot
    "time_zones",
}

# User, bot and number of an open quiz.
RUN = (
    """9000, 'quiz', (select r.id from public.quiz_runs as r where r.user_id = 9000 and r.status = 'open')"""
)

THREAD = "(select c.id from public.conversations as c where c.user_id = 9000)"
MESSAGE = (
    f"(select m.id from public.conversation_messages as m where m.conversation_id = {THREAD} and m.seq = 4)"
)

CONVERSATION = "(select min(c.id) from public.ai_conversations as c where c.user_id = 9000)"

# A user of the staff, who may see all figures.
STAFF = "9000"

# One call of every function of an update, the sweep or an admin, for a user in the middle of the tables.
CALLS = {
    "reserve_messages": "reserve_messages('assistant', 1, 5)",
    "receive_update": """receive_update('assistant', 777777, gen_random_uuid(), 'message', 19000,
        '{"id": 19000, "first_name": "Anna"}', '{}', 40, true, 50)""",
    "receive_update again": """receive_update('assistant', 9001, gen_random_uuid(), 'message', 19001,
        '{"id": 19001, "first_name": "Anna"}', '{}', 40, true, 50)""",
    "receive_update of a new user": """receive_update('assistant', 777778, gen_random_uuid(), 'message', 5,
        '{"id": 5, "first_name": "Anna", "hash": "00"}', '{}', 40, true, 50)""",
    "finish_update": """finish_update('assistant', 9000, 1,
        '{"language": "ru", "mode": "code", "data": {"a": 1}, "clear_history": true}',
        '[{"role": "user", "content": "words"}]', 'settled', null,
        '[{"method": "sendMessage", "parameters": {"chat_id": 19000}}]',
        '[{"provider": "openai", "model": "m", "kind": "chat", "status": "ok", "ms": 9, "request_bytes": 9,
           "response_bytes": 9, "is_user_api_key": false}]')""",
    "finish_update of a conversation": f"""finish_update('assistant', 9000, 1,
        jsonb_build_object('clear_history', true, 'drop_model', true, 'conversation_id', {CONVERSATION}),
        '[{{"role": "user", "content": "words"}}]', 'settled')""",
    "claim_qualification": "claim_qualification(0.01)",
    "claim_summaries": "claim_summaries(50, 40000)",
    "save_summary": f"save_summary({CONVERSATION}, gen_random_uuid(), 'words', 1)",
    "remember_fact": "remember_fact(9000, 'assistant', 'words', 'new')",
    "list_memory": "list_memory(9000, 'assistant')",
    "change_memory": "change_memory(9000, 'assistant', true, 0)",
    "question_of_answer": "question_of_answer(9000, 'assistant', 9000, 0, 9000)",
    "decide_proposal": "decide_proposal(9000, 'assistant', 9000, true)",
    "add_conversation_file": f"""add_conversation_file(9000, 'assistant', 19000, 0, {CONVERSATION}, 'words',
        'words', 'new')""",
    "list_conversation_files": f"list_conversation_files(9000, {CONVERSATION})",
    "delete_conversation_file": "delete_conversation_file(9000, 1)",
    "export_conversation": "export_conversation(9000, 'assistant', 19000, 0, 0)",
    "share_conversation": """share_conversation(9000, 'assistant', 19000, 0, 0, repeat('a', 22), 'bot',
        'new')""",
    "list_shared_conversations": "list_shared_conversations(9000, 'assistant')",
    "withdraw_shared_conversation": "withdraw_shared_conversation(9000, 9000)",
    "get_shared_conversation": "get_shared_conversation('token:9000')",
    "list_conversations": "list_conversations(9000, 'assistant', 19000, 0)",
    "create_conversation": "create_conversation(9000, 'assistant', 19000, 0, 'words', 'new')",
    "update_conversation": """update_conversation(9000, 'assistant', 19000, 0, 0, '{"model": "m"}')""",
    "delete_conversation": f"delete_conversation(9000, 'assistant', 19000, 0, {CONVERSATION})",
    "receive_update of a conversation with the team": """receive_update('assistant', 777776,
        gen_random_uuid(), 'message', 19000, '{"id": 19000, "first_name": "Anna"}', '{}', 40, true, 50,
        p_message => '{"kind": "text", "body": "words", "message_id": 99}')""",
    "finish_update of a conversation with the team": f"""finish_update('assistant', 9000, 1,
        jsonb_build_object('messenger', jsonb_build_object('conversation_id', {THREAD}, 'takeovers', 0,
        'can_drop', true, 'messages',
        '[{{"kind": "text", "body": "words", "source": "ai", "call": 0}}]'::jsonb)), '[]', 'settled', null,
        '[{{"method": "sendMessage", "parameters": {{"chat_id": 19000}}}}]')""",
    "answer_state": f"answer_state('assistant', 9000, 1, {THREAD}, 0)",
    "find_conversations": "find_conversations(9600)",
    "find_conversations unread": """find_conversations(9600, '{"unread": true}')""",
    "find_conversations waiting": """find_conversations(9600, '{"sort": "waiting", "status": "all"}')""",
    "find_conversations by words": "find_conversations(9600, p_query => '9321')",
    "read_conversation": f"read_conversation(9600, {THREAD}, 4)",
    "read_conversation_card": f"read_conversation_card(9600, {THREAD})",
    "conversation_changes": f"conversation_changes(9600, '999999999', {THREAD}, 3)",
    "send_conversation_message": f"""send_conversation_message(9600, {THREAD}, 'words', 4, 'new',
        p_notice => '{{"ru": "words"}}')""",
    "claim_conversation_delivery": "claim_conversation_delivery()",
    "record_conversation_delivery": f"record_conversation_delivery({MESSAGE}, gen_random_uuid(), 'sent', 5)",
    "expire_conversation_deliveries": "expire_conversation_deliveries()",
    "run_messenger": "run_messenger('{}')",
    "edit_conversation_message": f"edit_conversation_message(9600, {MESSAGE}, 'other words')",
    "mark_conversation_read": f"mark_conversation_read(9600, {THREAD}, 4)",
    "close_conversation": f"close_conversation(9600, {THREAD})",
    "finish_update of a failure": "finish_update('assistant', 9500, 1, p_reservation => 'released')",
    "finish_update erasing": """finish_update('assistant', 9000, 1,
        jsonb_build_object('erase', jsonb_build_object('hash', repeat('00', 32), 'balance', 0)))""",
    "finish_update with a key stored": """finish_update('assistant', 9000, 1, '{"token": {"store":
        {"provider": "openai", "ciphertext": "AQ==", "key_id": "k1", "last_four": "1234"}}}')""",
    "finish_update with a key chosen": """finish_update('assistant', 9000, 1,
        '{"token": {"use": "gemini"}}')""",
    "finish_update with a key refused": """finish_update('assistant', 9000, 1,
        '{"token": {"refuse": {"provider": "openai", "ciphertext": "AA=="}}}')""",
    "list_user_tokens": "list_user_tokens(9000)",
    "inline_user": "inline_user('assistant', 19000)",
    "finish_update again": "finish_update('assistant', 9001, 1)",
    "fail_update": """fail_update('assistant', 9000, 1, 'error', true, true, null,
        '[{"method": "sendMessage", "parameters": {"chat_id": 19000}}]')""",
    "export_user_data": "export_user_data(9000)",
    "retention_periods": "retention_periods()",
    "dead_letter_update": "dead_letter_update('assistant', -5, 'error', 'body')",
    "reserve_request": "reserve_request('assistant', 9000, 1)",
    "record_deliveries": """record_deliveries('[{"id": 7000, "outcome": "sent"},
        {"id": 7001, "outcome": "blocked"},
        {"id": 7002, "outcome": "later", "retry_after": 3, "error": "429"}]')""",
    "claim_outbox": "claim_outbox(50)",
    "receive_update behind a held part": """receive_update('assistant', 777779, gen_random_uuid(),
        'message', 19400, '{"id": 19400, "first_name": "Anna"}', '{}', 40, true, 50)""",
    "migrate_chat": "migrate_chat(-19000, -10019000)",
    "fail_stale_update": "fail_stale_update('assistant', 9000, 'not JSON')",
    "stale_updates": """stale_updates(50, '["assistant"]')""",
    "referral_overview": "referral_overview(200)",
    "get_user_usage_stats": "get_user_usage_stats(9000)",
    "products_for_sale": "products_for_sale(9001)",
    "redeem_promocode": "redeem_promocode(9001, 'code9500', 'new')",
    "redeem_promocode wrongly": "redeem_promocode(9001, 'no such', 'new')",
    "create_order with a discount": "create_order(9001, 'credits_100', 'stripe', 'RUB', 'assistant')",
    "create_order": "create_order(9000, 'credits_100', 'stripe', 'RUB', 'assistant', false, null, 'new')",
    "offered_features": "offered_features()",
    "last_balance_order": "last_balance_order(9001)",
    "cancel_own_order": "cancel_own_order(9000, 9000)",
    "get_open_order": "get_open_order(9000, 9000)",
    "save_invitation": "save_invitation(9000, 5)",
    "save_generation_message": "save_generation_message(9000, 5)",
    "leave_checkout": "leave_checkout(9000, 9000)",
    "close_invitations": "close_invitations(50)",
    "create_order from a message": """create_order(9000, 'credits_100', 'stripe', 'RUB', 'assistant', false,
        null, 'm', null, 5)""",
    "cancel_order": "cancel_order(9000)",
    "change_receipt_contact": "change_receipt_contact(9000, 'anna@example.com')",
    "save_checkout": "save_checkout(9000, 'https://pay.example', 'cs_new')",
    "check_order": "check_order('stripe', 9000, 19000, 499, 'RUB')",
    "payment_history": "payment_history(9000)",
    "subscription_overview": "subscription_overview(9000)",
    "cancel_renewal": "cancel_renewal(9000, 9000)",
    "begin_cancel": "begin_cancel(9000, 9000)",
    "abort_cancel": "abort_cancel(9000, 9000)",
    "record_payment_event": """record_payment_event('stripe', 'new', '', '', '[{"kind": "paid",
        "payment_id": "pi_new", "order_id": 9500, "amount": 499, "currency": "RUB"}]')""",
    "record_payment_event of a refund": """record_payment_event('stripe', 'new', '', '', '[{"kind":
        "refunded", "payment_id": "pi_9001", "operation_id": "re", "amount": 9}]')""",
    "retry_payment_events": "retry_payment_events(5)",
    "claim_due_renewals": """claim_due_renewals('["stripe"]', 5)""",
    "record_payment_event of an unknown subscription": """record_payment_event('stripe', 'new', '', '',
        '[{"kind": "subscription_active", "subscription_id": "sub_unknown", "order_id": 9500}]')""",
    "claim_renewals_to_cancel": """claim_renewals_to_cancel('["stripe"]', 5)""",
    "record_cancel_result": "record_cancel_result(9000, false)",
    "abort_charge": "abort_charge(9000, 0)",
    "unrecorded_events": """unrecorded_events('stripe', '["evt_9000", "evt_new"]')""",
    "claim_open_orders": """claim_open_orders('["stripe"]', 5)""",
    "enqueue_expiry_reminders": "enqueue_expiry_reminders(5)",
    "enqueue_order_reminders": "enqueue_order_reminders(5)",
    "pay_from_balance": "pay_from_balance(8000, 'credits_100', 'assistant', 'new')",
    "trial_offer": "trial_offer(9000)",
    "start_trial": "start_trial(9000)",
    "training_overview": "training_overview(9000)",
    "give_channel_trainings": "give_channel_trainings(9000, -1001)",
    "check_access": "check_access(19000)",
    "consume_access": "consume_access(19000, 'simulator:new')",
    "consume_access of trainings": "consume_access(10003, 'simulator:new', 2)",  # whose plan is over
    "admin_give_trainings": "admin_give_trainings(9000, -2, 'boss@example.com', 'one')",
    "award_xp": "award_xp(19000, 'spin', 'training_finished', 'spin:new', 120)",
    "award_badge": "award_badge(19000, 'spin', 'new_badge')",
    "get_user_badges": "get_user_badges(19000)",
    "has_badge": "has_badge(19000, 'story')",
    "get_leaderboard": "get_leaderboard(10, 20, 'spin', 'all')",
    "get_user_rank": "get_user_rank(19000)",
    "set_board_profile": "set_board_profile(9000, 'Anna', true)",
    "get_profile": "get_profile(9000)",
    "get_streak": "get_streak(9000)",
    "record_activity": "record_activity(9000, 'spin')",
    "set_time_zone": "set_time_zone(9000, 'Asia/Tokyo')",
    "pause_streak": "pause_streak(9000, true)",
    "count_badges": "count_badges(19000)",
    "start_quiz_run": """start_quiz_run(9000, 'quiz', 'topic', '["a", "b"]', 'new')""",
    "start_quiz_run of the day": """start_quiz_run(9000, 'quiz', 'daily', '["a", "b"]', 'new',
        p_day => private.quiz_day())""",
    "get_quiz_run": "get_quiz_run(9000, 'quiz')",
    "get_quiz_run of a number": f"get_quiz_run({RUN}, p_show => 1)",
    "answer_quiz_question": f"""answer_quiz_question({RUN}, 1, 'new', 'v', 'needs', '[0]', true,
        '{{"state": 2, "stability": "2", "difficulty": "2", "due": "2030-01-01",
           "last_review": "2026-11-30"}}')""",
    "quiz_overview": "quiz_overview(9000, 'quiz')",
    "quiz_statistics": "quiz_statistics(9000, 'quiz')",
    "get_quiz_board": "get_quiz_board(9000, 'quiz')",
    "due_quiz_cards": "due_quiz_cards(9000)",
    "set_quiz_reminder": "set_quiz_reminder(9000, 'quiz', 9)",
    "enqueue_quiz_reminders": "enqueue_quiz_reminders(5)",
    "list_reminders": "list_reminders(9000, 'assistant')",
    "create_reminder": "create_reminder(9000, 'assistant', 'tea', 'new', p_seconds => 60)",
    "delete_reminder": "delete_reminder(9000, (select max(id) from public.reminders))",
    "snooze_reminder": "snooze_reminder(9000, (select max(id) from public.reminders where user_id = 9000))",
    "claim_reminder_question": "claim_reminder_question(9000, 5, 'new')",
    "enqueue_due_reminders": "enqueue_due_reminders(5)",
    "begin_quiz_round": "begin_quiz_round(9000, 'quiz', -5, 0, 'en', '[\"a\"]', 600, 'new')",
    "record_quiz_poll": "record_quiz_poll((select max(id) from public.quiz_rounds), 2, 'new', 1, 'v', '[0]')",
    "record_poll_answer": """record_poll_answer('quiz',
        (select min(p.poll_id) from public.quiz_polls as p where p.bot = 'quiz'),
        '{"id": 19500, "first_name": "Anna"}', '[0]')""",
    "closed_quiz_rounds": "closed_quiz_rounds(5)",
    "enqueue_quiz_summary": """enqueue_quiz_summary(
        (select id from public.quiz_rounds where summarized_at is null limit 1), '{"text": "words"}')""",
    "claim_open_refunds": """claim_open_refunds('{"stripe": 3600}', 5)""",
    "record_refund_result": """record_refund_result((select max(id) from public.refunds), 'unsure',
        'no answer')""",
    "sweep": "sweep(50)",  # to 200 thousand messages what its 1000 are to four million
    "admin_find_user": "admin_find_user('19000', 'boss@example.com')",
    "admin_find_user by name": "admin_find_user('@NAME9000', 'boss@example.com')",
    "admin_payment": "admin_payment('9000', 'boss@example.com')",
    "admin_payment by the provider's number": """admin_payment('pi_9001', 'boss@example.com',
        '["stripe", "yookassa"]')""",
    "admin_payments": "admin_payments('boss@example.com', null, 9000)",
    "admin_payments of one": "admin_payments('boss@example.com', 9000)",
    "admin_refund_payment": """admin_refund_payment(9001, 9, 'boss@example.com', 'one', null, true)""",
    "admin_check": "admin_check('boss@example.com')",
    "admin_statement": "admin_statement('boss@example.com')",
    "admin_ban_user": "admin_ban_user(9000, 'spam', 'boss@example.com', 'one')",
    "admin_unban_user": "admin_unban_user(9000, 'boss@example.com', 'one')",
    "admin_set_plan": "admin_set_plan(9000, 'PREMIUM', 30, 'boss@example.com', 'one')",
    "admin_add_bonus_credits": "admin_add_bonus_credits(9000, 5, 'boss@example.com', 'one')",
    "admin_reset_user_usage": "admin_reset_user_usage(9000, 'boss@example.com', 'one')",
    "count_active_sessions": "count_active_sessions(30)",
    "count_active_sessions of a bot": "count_active_sessions(30, 'assistant')",
    "admin_bot_stats": "admin_bot_stats('boss@example.com', 'assistant')",
    "admin_funnel": "admin_funnel('boss@example.com', 'assistant', now() - interval '1 hour')",
    "admin_overview": "admin_overview('boss@example.com')",
    "admin_promocodes": "admin_promocodes('boss@example.com', null, 9000)",
    "admin_promocodes one": "admin_promocodes('boss@example.com', 'code9000')",
    "admin_create_promocode": "admin_create_promocode('new', 'month', 1, 'boss@example.com')",
    "admin_switch_promocode": "admin_switch_promocode('code9000', false, 'boss@example.com', 'one')",
    "admin_search_users": "admin_search_users('name9001', 'boss@example.com')",
    "admin_search_users by a part": "admin_search_users('ame1900', 'boss@example.com')",
    "admin_search_users of all": "admin_search_users('name', 'boss@example.com')",
    "admin_adjust_balance": "admin_adjust_balance(9000, 5, 'boss@example.com', 'one')",
    "admin_adjust_xp": "admin_adjust_xp(9000, -5, 'boss@example.com', 'one')",
    "admin_award_badge": "admin_award_badge(9000, 'new', 'spin', 'boss@example.com', 'one')",
    "admin_revoke_badge": "admin_revoke_badge(9000, 'story', 'spin', 'boss@example.com', 'one')",
    "admin_undo": """admin_undo((select max(l.id) from public.audit_log as l), 'boss@example.com', 'one')""",
    "admin_revenue": "admin_revenue('boss@example.com')",
    "admin_products": "admin_products('boss@example.com', 'premium_month')",
    "admin_set_prices": """admin_set_prices('premium_month', '{"RUB": "599"}', 'boss@example.com', 'one',
        null, '["stripe"]', true)""",
    "admin_set_product_texts": """admin_set_product_texts('premium_month', 'en', 'Pro', 'All of it',
        'boss@example.com', 'one', null, true)""",
    "admin_switch_product": "admin_switch_product('premium_month', false, 'boss@example.com', 'one')",
    "admin_audit": "admin_audit('boss@example.com', null, 9000)",
    **{
        f"analytics_{figure}": f"analytics_{figure}({STAFF}, current_date - 29, current_date)"
        for figure in (
            "activity",
            "retention",
            "funnel",
            "subscriptions",
            "revenue",
            "costs",
            "learning",
            "referrers",
        )
    },
    "analytics_state": f"analytics_state({STAFF})",
    "set_analytics_report": f"set_analytics_report({STAFF}, 9)",
    "due_analytics_reports": "due_analytics_reports()",
    "admin_audit of one": "admin_audit('boss@example.com', 9000)",
}

COUNTERS = """
    select relname, array[coalesce(seq_scan, 0), coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)]
    from pg_stat_xact_user_tables
"""


class Scans(NamedTuple):
    """How a transaction read a table: times from one end to the other, and rows in any way."""

    table: str
    whole: int
    rows: int


@pytest.fixture(scope="module")
def filled(server: Server, database_url: str) -> Iterator[str]:
    """A migrated database with many users, as its superuser."""
    server.create_database("plans", template="migrated")
    url = server.url("plans", "supabase_admin")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL)
        connection.execute("vacuum analyze")
    yield url
    server.drop_database("plans")


@pytest.mark.parametrize("calls_before", [0, 7])
@pytest.mark.parametrize("name", sorted(set(CALLS) - READS_ALL))
def test_read_rows_do_not_grow_with_the_tables(filled: str, name: str, calls_before: int) -> None:
    statement = f"select public.{CALLS[name]}"
    many = COUNTERS_READ.get(name, MANY)
    slow = [scans for scans in scans_of(filled, statement, calls_before) if is_slow(scans, many)]
    assert not slow, f"an index is missing, or a condition keeps it from being used: {slow}"


@pytest.mark.parametrize(
    "statement",
    [
        "select count(*) from public.users where first_name = 'Anna'",
        # An index is used, but all of it: what is wanted is found by reading the rows.
        "select from public.messages where created_at < now() and role = 'assistant' order by created_at",
    ],
)
def test_a_query_without_an_index_is_detected(filled: str, statement: str) -> None:
    assert any(map(is_slow, scans_of(filled, statement)))


def test_revenue_reads_what_moved_in_30_days_alone(filled: str) -> None:
    """Payments of months ago, however many, are not read."""
    with psycopg.connect(filled) as connection:
        connection.execute(
            "update public.payment_operations set happened_at = happened_at - interval '90 days'"
        )
        connection.execute("analyze public.payment_operations")
        before = dict(connection.execute(COUNTERS).fetchall())
        connection.execute("select public.admin_revenue('boss@example.com')")
        after = dict(connection.execute(COUNTERS).fetchall())
        connection.rollback()
    for table in ("payment_operations", "payments"):
        assert after[table][0] == before[table][0], f"{table} was read from one end to the other"
        assert after[table][1] - before[table][1] <= MANY


def test_every_function_on_the_way_of_an_update_is_called_here() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for area in ("telegram", "bots", "features/quiz")
        for path in (ROOT / "shared" / area).rglob("*.py")
    ]
    called = {name for source in sources for name in re.findall(r'db\.call\(\s*"(\w+)"', source)}
    assert called, "no call found: are they written in another way now?"
    assert called - {name.partition(" ")[0] for name in CALLS} == set(), "add a call of it to CALLS"


def is_slow(scans: Scans, many: int = MANY) -> bool:
    """Whether a call would take longer the more rows the table has."""
    return scans.table not in SMALL and (scans.whole > 0 or scans.rows > many)


def scans_of(url: str, statement: str, calls_before: int = 0) -> list[Scans]:
    """Run a statement without keeping what it changed, and return what it read of which tables."""
    with psycopg.connect(url, prepare_threshold=None) as connection:
        for _ in range(calls_before):
            connection.execute(statement)
            connection.rollback()
        before = dict(connection.execute(COUNTERS).fetchall())
        connection.execute(statement)
        after = dict(connection.execute(COUNTERS).fetchall())
        connection.rollback()
    counted = {
        table: (after[table][0] - before[table][0], after[table][1] - before[table][1]) for table in after
    }
    return [Scans(table, whole, rows) for table, (whole, rows) in counted.items() if rows]
