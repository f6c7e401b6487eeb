"""What owners set up around schemas public and private, in a dashboard or by hand, and the product may need.

It is kept beside a run's description of the database so that a change is seen. A database built from the
migrations alone has none of it, so it takes no part in comparisons with one. Event triggers of Supabase are
left out, as are publications without our tables. Commands of scheduled jobs may hold a key: a digest is
kept.
"""

from __future__ import annotations

import psycopg

from tools.database.catalogue import Catalogue, Key

RECORDED = Key("surroundings", "recorded")  # in every description that has them

_ALWAYS = """
select 'event trigger', e.evtname::text,
    format('on %s execute %s.%s, enabled %s', e.evtevent, n.nspname, p.proname, e.evtenabled)
  from pg_event_trigger as e
  join pg_proc as p on p.oid = e.evtfoid
  join pg_namespace as n on n.oid = p.pronamespace
 where n.nspname in ('public', 'private')
union all
select 'publication', t.pubname || ' of ' || t.schemaname || '.' || t.tablename, 'published'
  from pg_publication_tables as t
 where t.schemaname in ('public', 'private')
union all
select 'installed extension', e.extname::text, 'in schema ' || e.extnamespace::regnamespace::text
  from pg_extension as e
 where e.extname <> 'plpgsql'
union all
select 'storage policy', p.tablename || ' ' || p.policyname,
    format('for %s to %s using %s with check %s, %s', p.cmd, p.roles, p.qual, p.with_check, p.permissive)
  from pg_policies as p
 where p.schemaname = 'storage'
"""
_CRON = """
select 'scheduled job', coalesce(j.jobname, j.jobid::text),
    format('%s, active %s, command %s', j.schedule, j.active, left(md5(j.command), 12))
  from cron.job as j
 where j.database = current_database()
"""
_BUCKETS = """
select 'storage bucket', b.id,
    format('public %s, up to %s bytes, %s', b.public, b.file_size_limit, b.allowed_mime_types)
  from storage.buckets as b
"""
_READABLE = "select coalesce(has_table_privilege(to_regclass(%s), 'select'), false)"


def describe(connection: psycopg.Connection) -> Catalogue:
    """Return what stands around our schemas."""
    rows = connection.execute(_ALWAYS).fetchall()
    for table, query in (("cron.job", _CRON), ("storage.buckets", _BUCKETS)):
        if connection.execute(_READABLE, [table]).fetchone() == (True,):
            rows += connection.execute(query.encode()).fetchall()
    return {RECORDED: "", **{Key(kind, name): text for kind, name, text in sorted(rows)}}
