"""The list, the search and the threads of the messenger with 10,000 conversations and 1,000,000 messages."""

from __future__ import annotations

import time
from statistics import median

import psycopg

from tools.bench.database import Database
from tools.bench.report import Aim, Row, Section

_NAME = "messenger"
CONVERSATIONS = 10_000
_MESSAGES = 100  # of a conversation
_MILLISECONDS = 50.0
_ROUNDS = 30

# Frequent words in most messages; a rare one in every ten thousandth. Each second conversation is unread.
_FILL = """
    update public.users set username = 'user' || id, first_name = 'Maria' || id;
    insert into public.staff (user_id, role) select min(u.id), 'operator' from public.users as u;
    insert into public.conversations (
      user_id, bot, last_message_at, last_seq, last_in_seq, last_version, unread_count, waiting_since,
      preview, ai_ready_score, assignee_id, status
    )
    select u.id, 'assistant', now() - make_interval(secs => u.id % %(conversations)s), %(messages)s,
      %(messages)s - 1, %(messages)s, u.id % 3,
      case when u.id % 40 = 0 then now() - make_interval(secs => u.id %% 9999) end, 'words',
      u.id % 101, case when u.id % 5 = 0 then (select s.user_id from public.staff as s) end,
      case when u.id % 4 = 0 then 'closed' else 'open' end
      from public.users as u order by u.id limit %(conversations)s;
    insert into public.conversation_messages (
      conversation_id, user_id, body, direction, kind, source, seq, version, telegram_message_id, read,
      status, created_at
    )
    select c.id, case n % 2 when 1 then c.user_id end,
      concat_ws(' ', 'Hello, what about the order', n * c.id, case when n = 50 then 'seldom' || c.id end,
        'and the delivery on', n % 7, case when n % 10 = 0 then 'refund' end, 'please answer soon'),
      1 - n % 2, 'text', case n % 2 when 1 then 'user' else 'ai' end, n, n, n, true,
      case n % 2 when 0 then 'sent' end,
      now() - make_interval(hours => %(messages)s - n, secs => c.id)
      from public.conversations as c, generate_series(1, %(messages)s) as n;
    insert into public.conversation_reads (conversation_id, operator_id, read_seq)
    select c.id, s.user_id, %(messages)s from public.conversations as c, public.staff as s where c.id % 2 = 0;
"""
_CALLS = {
    "the list": "find_conversations({actor})",
    "  a page in its middle": "find_conversations({actor}, p_cursor => {cursor})",
    "  unread": """find_conversations({actor}, '{{"unread": true}}')""",
    "  mine, waiting longest": """find_conversations({actor}, '{{"assignee": "mine", "sort": "waiting"}}')""",
    "  ready to buy": """find_conversations({actor}, '{{"ready": [86, 100]}}')""",
    "  closed, of another bot": """find_conversations({actor}, '{{"status": "closed", "bot": "quiz"}}')""",
    "search: a rare word": "find_conversations({actor}, p_query => 'seldom777')",
    "  a word in a tenth": "find_conversations({actor}, p_query => 'refund')",
    "  a word in every message": "find_conversations({actor}, p_query => 'delivery')",
    "  three words": "find_conversations({actor}, p_query => 'order refund soon')",
    "  no match": "find_conversations({actor}, p_query => 'xylophone')",
    "  an @username": "find_conversations({actor}, p_query => '@user500')",
    "a thread": "read_conversation({actor}, {conversation})",
    "  its card": "read_conversation_card({actor}, {conversation})",
    "changes": "conversation_changes({actor}, {changes}, {conversation}, 90)",
}


def fill(database: Database) -> float:
    """Make the database; return the seconds it took."""
    started = time.perf_counter()
    database.make(_NAME, CONVERSATIONS, every=CONVERSATIONS)
    values = {"conversations": CONVERSATIONS, "messages": _MESSAGES}
    with psycopg.connect(database.owner_url(_NAME), autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        connection.execute("set session_replication_role = replica")
        text = _FILL.replace("%(conversations)s", str(values["conversations"]))
        text = text.replace("%(messages)s", str(values["messages"])).replace("%%", "%")
        connection.execute(text)
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return time.perf_counter() - started


def measure(database: Database) -> Section:
    """Measure each call some times, in one connection, as a function's."""
    rows = []
    with psycopg.connect(database.owner_url(_NAME), autocommit=True) as connection:
        (actor,) = connection.execute("select user_id from public.staff").fetchone() or (0,)
        (conversation,) = connection.execute("select max(id) from public.conversations").fetchone() or (0,)
        found = connection.execute(
            f"select public.find_conversations({actor}, '{{}}', null, null, 1)"
        ).fetchone()
        changes = f"'{found[0]['cursor']}'" if found else "'0'"
        cursor = "jsonb_build_array(now() - interval '1 hour', 1)"
        for name, call in _CALLS.items():
            statement = "select public." + call.format(
                actor=actor, conversation=conversation, changes=changes, cursor=cursor
            )
            took = []
            for _ in range(_ROUNDS):
                started = time.perf_counter()
                connection.execute(statement)
                took.append((time.perf_counter() - started) * 1000)
            rows.append(Row(name, median(took), aim=Aim(_MILLISECONDS), digits=1))
    title = f"Messenger, ms, {CONVERSATIONS:,} conversations, {CONVERSATIONS * _MESSAGES:,} messages"
    return Section(title, rows, baseline="")
