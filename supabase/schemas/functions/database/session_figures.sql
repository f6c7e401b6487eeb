-- Measures sessions: the longest transaction, the longest idle one, sessions that wait for a lock, and connections. Their names
-- are process ids and roles, never queries or names of programs.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); value is null where the role may not see other sessions.
-- Errors: none.
create or replace function private.session_figures()
returns table (kind text, value numeric, names text[])
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with allowed as (
    -- The times of sessions are Postgres' own, and so is the time that they are compared with.
    select pg_has_role(current_user, 'pg_read_all_stats', 'usage') as is_allowed, s.query_start as at
      from pg_catalog.pg_stat_activity as s
     where s.pid = pg_backend_pid()
  ), sessions as materialized (
    select s.*, format('%s (%s)', s.pid, s.usename) as name, a.at
      from pg_catalog.pg_stat_activity as s
      cross join allowed as a
     where a.is_allowed and s.backend_type = 'client backend' and s.pid <> pg_backend_pid()
  ), longest as (
    select t.kind, extract(epoch from s.at - t.since) / 60 as minutes, s.name
      from sessions as s
      cross join lateral (
        values ('transaction_minutes', s.xact_start),
        ('idle_transaction_minutes', case when s.state like 'idle in transaction%' then s.state_change end)
      ) as t (kind, since)
     where s.datname = current_database() and t.since is not null
  ), waiting as (
    select s.name from sessions as s
     where s.wait_event_type = 'Lock' and s.query_start < s.at - interval '10 seconds'
  ), roles as (
    select coalesce(s.usename, '-') as role, count(*) as sessions from sessions as s group by s.usename
  ), found as (
    select k.kind, coalesce(max(l.minutes), 0) as value,
           coalesce((array_agg(l.name order by l.minutes desc) filter (where l.name is not null))[1:5], '{}') as names
      from (values ('transaction_minutes'), ('idle_transaction_minutes')) as k (kind)
      left join longest as l on l.kind = k.kind
     group by k.kind
    union all
    select 'blocked_sessions', count(*), coalesce((array_agg(w.name order by w.name))[1:5], '{}') from waiting as w
    union all
    select 'connections_percent', coalesce(sum(r.sessions), 0) * 100 / current_setting('max_connections')::numeric,
           coalesce((array_agg(format('%s: %s', r.role, r.sessions) order by r.sessions desc, r.role))[1:5], '{}')
      from roles as r
  )
  select f.kind, case when a.is_allowed then f.value end, f.names::text[] from found as f cross join allowed as a;
$$;

revoke all on function private.session_figures from public, anon, authenticated, service_role;
comment on function private.session_figures is 'Measures the sessions of this database';
