-- Database health.

-- Deduplicates alarms about this database's health: one row for each kind of figure, with its last alarm.

create table private.health_alerts (
  kind text primary key,
  alerted_at timestamptz not null,
  resolved_at timestamptz
);

comment on table private.health_alerts is 'When the admins were last alerted about each figure of this database''s health';
comment on column private.health_alerts.resolved_at is 'When the figure was below its limit again; null: not yet';
alter table private.health_alerts enable row level security;
revoke all on table private.health_alerts from public, anon, authenticated, service_role;

-- Figures of this database's health, written by the job `health` (public.record_health) and kept for health_samples_days. They
-- name objects and roles of the database, and nothing of users.

create table private.health_samples (
  kind text not null,
  at timestamptz not null,
  value numeric,
  names text[] not null default '{}',
  primary key (kind, at)
);

-- The newest figures, and those past their retention.
create index health_samples_at_idx on private.health_samples (at);

comment on table private.health_samples is 'Figures of this database''s health over time';
comment on column private.health_samples.value is 'In the unit that the kind ends with; null: not available here';
comment on column private.health_samples.names is 'Objects and roles of the database that the figure is about, at most five';
alter table private.health_samples enable row level security;
revoke all on table private.health_samples from public, anon, authenticated, service_role;

-- Returns for an admin the newest figures of the database's health, and those of the last 30 days as lines: the highest value of
-- every four hours. Values are null where a figure is not available.
--
-- Concurrency: read-only; it reads what public.record_health kept.
-- Locks: none.
-- Returns: jsonb
--   environment: text | null       (name of this database; null: it has none)
--   at: timestamptz | null         (of the newest figures; null: none yet)
--   figures: [ {
--     kind: text, value: numeric | null, names: [ text ]
--     most: numeric | null         (the limit; null: none)
--     is_bad: boolean
--     alerted_at: timestamptz | null   (of the alarm that lasts; null: none)
--   } ]
--   lines: { [text]: [ { at: timestamptz, value: numeric } ] }    (by kind, oldest first)
-- Errors: N0001 not an admin.
create or replace function public.admin_health(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at timestamptz;
  v_figures jsonb := '[]'::jsonb;
  v_lines jsonb := '{}'::jsonb;
begin
  perform private.require_admin(p_admin_email);
  select max(h.at) into v_at from private.health_samples as h;
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'kind', h.kind, 'value', h.value::text, 'names', h.names, 'most', m.most::text,
          'is_bad', coalesce(h.value >= m.most, false), 'alerted_at', a.alerted_at
        )
        order by h.kind
      ),
      '[]'::jsonb
    )
    into v_figures
    from private.health_samples as h
    cross join lateral (select nullif(private.setting('health_' || h.kind)::numeric, 0) as most) as m
    left join private.health_alerts as a on a.kind = h.kind and a.resolved_at is null
   where h.at = v_at;
  select coalesce(jsonb_object_agg(l.kind, l.points), '{}'::jsonb) into v_lines
    from (
      select b.kind, jsonb_agg(jsonb_build_object('at', b.at, 'value', b.value::text) order by b.at) as points
        from (
          select h.kind, date_bin('4 hours', h.at, timestamptz '2000-01-01 00:00+00') as at, max(h.value) as value
            from private.health_samples as h
           where h.at > private.clock() - interval '30 days' and h.value is not null
           group by 1, 2
        ) as b
       group by b.kind
    ) as l;
  return jsonb_build_object(
    'environment', (select i.environment from private.database_identity as i),
    'at', v_at,
    'figures', v_figures,
    'lines', v_lines
  );
end
$$;

revoke all on function public.admin_health from public, anon, authenticated, service_role;
grant execute on function public.admin_health to bot_backend, service_role;
comment on function public.admin_health is 'Returns the figures of the database''s health, now and over 30 days';

-- Alerts the admins about one figure of the database's health: when it is bad, at most once in health_alert_hours; and once when
-- it is good again. A figure that turns bad again meanwhile is left to a later run. The messages name the database, the kind and
-- numbers.
--
-- Concurrency: of two calls at once the second waits for the first one's row and sends nothing.
-- Locks: the row of health_alerts.
-- Returns: jsonb
--   outcome: 'alerted' | 'resolved' | 'unchanged'
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function private.alert_health(p_kind text, p_value numeric, p_most numeric)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_is_bad boolean := coalesce(p_value >= p_most, false);
begin
  if p_most is null then
    delete from private.health_alerts as a where a.kind = p_kind;
    return jsonb_build_object('outcome', 'unchanged', 'outgoing', '[]'::jsonb);
  elsif v_is_bad then
    insert into private.health_alerts as a (kind, alerted_at) values (p_kind, v_now)
    on conflict (kind) do update
      set alerted_at = excluded.alerted_at, resolved_at = null
      where a.alerted_at <= v_now - make_interval(hours => greatest(private.setting('health_alert_hours')::integer, 1));
  else
    -- A figure that is not available says nothing about the alarm.
    update private.health_alerts as a
       set resolved_at = v_now
     where a.kind = p_kind and a.resolved_at is null and p_value is not null;
  end if;
  if not found then
    return jsonb_build_object('outcome', 'unchanged', 'outgoing', '[]'::jsonb);
  end if;
  return jsonb_build_object(
    'outcome', case when v_is_bad then 'alerted' else 'resolved' end,
    'outgoing', private.notify_admins(
      case when v_is_bad then 'admin_alert_health' else 'admin_alert_health_resolved' end,
      jsonb_build_object(
        'what', jsonb_build_object('text', 'health_' || p_kind),
        'value', round(p_value),
        'most', round(p_most),
        'setting', 'health_' || p_kind,
        'environment', coalesce((select i.environment from private.database_identity as i), current_database())
      )
    )
  );
end
$$;

revoke all on function private.alert_health from public, anon, authenticated, service_role;
comment on function private.alert_health is 'Alerts the admins about one figure of the database''s health';

-- Measures the bots' own queues: the age of the oldest call that was not delivered, updates that were dead-lettered in 24 hours,
-- and payments and refunds in doubt.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); names are empty.
-- Errors: none.
create or replace function private.bot_figures()
returns table (kind text, value numeric, names text[])
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select 'outbox_minutes', coalesce(extract(epoch from private.clock() - min(o.created_at)) / 60, 0), array[]::text[]
    from public.telegram_outbox as o
  union all
  select 'dead_letters', count(*), array[]::text[]
    from public.telegram_updates as t
   where t.status = 'dead_lettered' and t.received_at > (select private.clock()) - interval '1 day'
  union all
  select 'payments_in_doubt',
         (select count(*) from public.payments as p where p.problem is not null and p.status = 'completed')
         + (select count(*) from public.refunds as r where r.status = 'unknown'),
         array[]::text[];
$$;

revoke all on function private.bot_figures from public, anon, authenticated, service_role;
comment on function private.bot_figures is 'Measures the bots'' own queues';

-- Measures what not every database has: the slowest statement of pg_stat_statements (its mean, of those called a hundred times;
-- its name is the query id, never the text), failed runs of pg_cron in 24 hours, and the age of the last backup.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); value is null where the extension, the table or the right is missing.
-- Errors: none.
create or replace function private.extension_figures()
returns table (kind text, value numeric, names text[])
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema text;
begin
  kind := 'slow_statement_milliseconds';
  begin
    select n.nspname into v_schema
      from pg_catalog.pg_extension as e
      join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
     where e.extname = 'pg_stat_statements';
    if found then
      execute format(
        'select max(t.mean), coalesce(array_agg(t.queryid::text order by t.mean desc), ''{}'')
           from (
             select s.queryid, s.mean_exec_time::numeric as mean
               from %I.pg_stat_statements as s
               join pg_catalog.pg_database as d on d.oid = s.dbid
              where d.datname = current_database() and s.calls >= 100 and s.queryid is not null
              order by s.mean_exec_time desc
              limit 5
           ) as t',
        v_schema
      ) into value, names;
    end if;
  exception
    when undefined_table or undefined_column or undefined_function or insufficient_privilege or feature_not_supported
      or object_not_in_prerequisite_state then
      value := null;
  end;
  names := coalesce(names, '{}');
  return next;

  kind := 'cron_failures';
  value := null;
  names := '{}';
  begin
    if to_regclass('cron.job_run_details') is not null then
      execute 'select coalesce(sum(t.runs), 0), coalesce((array_agg(''job '' || t.jobid order by t.jobid))[1:5], ''{}'')
        from (
          select r.jobid, count(*) as runs
            from cron.job_run_details as r
           where r.status = ''failed'' and r.start_time > $1
           group by r.jobid
        ) as t' into value, names using private.clock() - interval '1 day';
    end if;
  exception when undefined_table or undefined_column or insufficient_privilege then
    value := null;
  end;
  return next;

  kind := 'backup_hours';
  value := null;
  names := '{}';
  if to_regclass('private.backups') is not null then
    execute 'select extract(epoch from $1 - max(b.taken_at)) / 3600 from private.backups as b' into value using private.clock();
  end if;
  return next;
end
$$;

revoke all on function private.extension_figures from public, anon, authenticated, service_role;
comment on function private.extension_figures is 'Measures what not every database has: statements, cron, backups';

-- Measures this database's health now. A figure is bad at its limit and above: the setting health_<kind>; 0: no limit.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[], most numeric, is_bad boolean). value is null where the figure is not
--   available; most is the limit, null where there is none.
-- Errors: none.
create or replace function private.health_figures()
returns table (kind text, value numeric, names text[], most numeric, is_bad boolean)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with found as materialized (
    select b.* from private.bot_figures() as b
    union all
    select e.* from private.extension_figures() as e
    union all
    select s.* from private.session_figures() as s
    union all
    select t.* from private.storage_figures() as t
    union all
    select c.* from private.schema_figures() as c
  )
  select f.kind, round(f.value, 2), f.names, m.most, coalesce(f.value >= m.most, false)
    from found as f
    cross join lateral (select nullif(private.setting('health_' || f.kind)::numeric, 0) as most) as m
   order by f.kind;
end
$$;

revoke all on function private.health_figures from public, anon, authenticated, service_role;
comment on function private.health_figures is 'Measures this database''s health now';

-- Measures this database's health, keeps the figures, deletes those older than health_samples_days, and alerts the admins about
-- bad figures and those that are good again.
--
-- Concurrency: an advisory lock lets one run work; another at the same time does nothing.
-- Locks: an advisory lock, then rows of health_alerts by kind.
-- Returns: jsonb
--   figures: int
--   bad: [ text ]                 (kinds)
--   alerts: [ text ]              (kinds of which the admins are alerted now)
--   resolved: [ text ]
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function public.record_health()
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_figure record;
  v_alert jsonb;
  v_result jsonb := jsonb_build_object(
    'bad', '[]'::jsonb, 'alerts', '[]'::jsonb, 'resolved', '[]'::jsonb, 'outgoing', '[]'::jsonb
  );
  v_figures integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtext('record_health')) then
    return v_result || jsonb_build_object('figures', 0);
  end if;
  delete from private.health_samples as h
   where h.at < v_now - make_interval(days => private.setting('health_samples_days')::integer);
  for v_figure in select f.* from private.health_figures() as f order by f.kind loop
    v_figures := v_figures + 1;
    insert into private.health_samples (kind, at, value, names)
    values (v_figure.kind, v_now, v_figure.value, v_figure.names)
    on conflict (kind, at) do nothing;
    if v_figure.is_bad then
      v_result := jsonb_set(v_result, '{bad}', v_result -> 'bad' || to_jsonb(v_figure.kind));
    end if;
    v_alert := private.alert_health(v_figure.kind, v_figure.value, v_figure.most);
    v_result := jsonb_set(v_result, '{outgoing}', v_result -> 'outgoing' || (v_alert -> 'outgoing'));
    if v_alert ->> 'outcome' = 'alerted' then
      v_result := jsonb_set(v_result, '{alerts}', v_result -> 'alerts' || to_jsonb(v_figure.kind));
    elsif v_alert ->> 'outcome' = 'resolved' then
      v_result := jsonb_set(v_result, '{resolved}', v_result -> 'resolved' || to_jsonb(v_figure.kind));
    end if;
  end loop;
  return v_result || jsonb_build_object('figures', v_figures);
end
$$;

revoke all on function public.record_health from public, anon, authenticated, service_role;
grant execute on function public.record_health to bot_backend;
comment on function public.record_health is 'Measures this database''s health, keeps the figures and alerts the admins';

-- Measures the schemas public and private: indexes of a megabyte and more that no query used, invalid indexes, constraints that
-- were never validated, foreign keys without an index, the fullest sequence, and partitions of api_usage that are missing for
-- this month and the next.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); value is null of unused indexes until the statistics cover a week:
--   since they were reset, or else since the server started.
-- Errors: none.
create or replace function private.schema_figures()
returns table (kind text, value numeric, names text[])
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
  with ours as (
    select c.oid, c.relname, format('%s.%s', n.nspname, c.relname) as name
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
     where n.nspname in ('public', 'private')
  ), counted as (
    select coalesce(d.stats_reset, pg_postmaster_start_time()) < private.clock() - interval '7 days' as is_long
      from pg_catalog.pg_stat_database as d
     where d.datname = current_database()
  ), found as (
    select 'unused_indexes' as kind, o.name
      from pg_catalog.pg_index as i
      join ours as o on o.oid = i.indexrelid
      join pg_catalog.pg_stat_user_indexes as s on s.indexrelid = i.indexrelid
     where s.idx_scan = 0 and not i.indisunique and not i.indisexclusion and pg_relation_size(i.indexrelid) >= 1048576
    union all
    select 'invalid_indexes', o.name
      from pg_catalog.pg_index as i
      join ours as o on o.oid = i.indexrelid
     where not i.indisvalid
    union all
    select 'unvalidated_constraints', format('%s.%s', o.name, k.conname)
      from pg_catalog.pg_constraint as k
      join ours as o on o.oid = k.conrelid
     where not k.convalidated
    union all
    select 'unindexed_foreign_keys', format('%s.%s', o.name, k.conname)
      from pg_catalog.pg_constraint as k
      join ours as o on o.oid = k.conrelid
     where k.contype = 'f'
       and not exists (
         select from pg_catalog.pg_index as i
          where i.indrelid = k.conrelid
            and i.indisvalid
            and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
       )
    union all
    select 'missing_partitions', format('public.api_usage_%s', to_char(m.month, 'YYYY_MM'))
      from (select date_trunc('month', private.clock()) + make_interval(months => n.n) as month
              from generate_series(0, 1) as n (n)) as m
     where to_regclass(format('public.api_usage_%s', to_char(m.month, 'YYYY_MM'))) is null
  ), sequences as (
    select format('%s.%s', s.schemaname, s.sequencename) as name, s.last_value * 100.0 / s.max_value as percent
      from pg_catalog.pg_sequences as s
     where s.schemaname in ('public', 'private') and s.last_value is not null and s.increment_by > 0
  )
  select k.kind, case when k.kind <> 'unused_indexes' or c.is_long then count(f.name)::numeric end,
         coalesce((array_agg(f.name order by f.name) filter (where f.name is not null))[1:5], '{}')
    from (
      values ('unused_indexes'), ('invalid_indexes'), ('unvalidated_constraints'), ('unindexed_foreign_keys'),
      ('missing_partitions')
    ) as k (kind)
    cross join counted as c
    left join found as f on f.kind = k.kind and (k.kind <> 'unused_indexes' or c.is_long)
   group by k.kind, c.is_long
  union all
  select 'sequences_percent', coalesce(max(s.percent), 0),
         coalesce((array_agg(s.name order by s.percent desc, s.name) filter (where s.percent >= 50))[1:5], '{}')
    from sequences as s;
$$;

revoke all on function private.schema_figures from public, anon, authenticated, service_role;
comment on function private.schema_figures is 'Measures indexes, constraints and sequences of this database';

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

-- Measures how this database is stored: reads that missed the cache, the age of its oldest transaction id, its size and growth
-- in a day, dead rows, and WAL that replication slots keep.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); value is null where too little is known yet: of the cache before
--   100,000 reads, of the growth before samples of a day.
-- Errors: none.
create or replace function private.storage_figures()
returns table (kind text, value numeric, names text[])
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with size as (
    select pg_database_size(current_database()) / 1048576.0 as megabytes
  ), dead as (
    select format('%s.%s', t.schemaname, t.relname) as name, t.n_dead_tup * 100.0 / (t.n_live_tup + t.n_dead_tup) as percent
      from pg_catalog.pg_stat_user_tables as t
     where t.schemaname in ('public', 'private') and t.n_dead_tup >= 50000
  ), slots as (
    select s.slot_name::text as name,
           case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) end as bytes
      from pg_catalog.pg_replication_slots as s
     where s.restart_lsn is not null
  )
  select 'cache_miss_percent',
         case when d.blks_hit + d.blks_read >= 100000 then d.blks_read * 100.0 / (d.blks_hit + d.blks_read) end,
         array[]::text[]
    from pg_catalog.pg_stat_database as d
   where d.datname = current_database()
  union all
  select 'wraparound_percent', age(d.datfrozenxid) * 100.0 / 2147483648, array[]::text[]
    from pg_catalog.pg_database as d
   where d.datname = current_database()
  union all
  select 'size_megabytes', s.megabytes, array[]::text[] from size as s
  union all
  select 'growth_megabytes',
         s.megabytes - (
           select h.value
             from private.health_samples as h
            where h.kind = 'size_megabytes' and h.at <= private.clock() - interval '1 day'
              and h.at > private.clock() - interval '2 days'
            order by h.at desc
            limit 1
         ),
         array[]::text[]
    from size as s
  union all
  select 'dead_rows_percent', coalesce(max(d.percent), 0),
         coalesce((array_agg(d.name order by d.percent desc, d.name))[1:5], '{}')
    from dead as d
  union all
  select 'slot_megabytes', coalesce(max(s.bytes), 0) / 1048576,
         coalesce((array_agg(s.name order by s.bytes desc, s.name))[1:5], '{}')
    from slots as s;
$$;

revoke all on function private.storage_figures from public, anon, authenticated, service_role;
comment on function private.storage_figures is 'Measures how this database is stored';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_alert_hours", "about": "Hours until the admins are alerted again about the same figure of the database''s health", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_backup_hours", "about": "Alert: age of the last backup in hours; 0: no alert", "value": 26}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_blocked_sessions", "about": "Alert: so many sessions wait for a lock for 10 seconds and longer; 0: no alert", "value": 5}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_cache_miss_percent", "about": "Alert: percent of reads that missed the cache; 0: no alert", "value": 10}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_connections_percent", "about": "Alert: percent of the server''s connections in use; 0: no alert", "value": 80}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_cron_failures", "about": "Alert: failed runs of pg_cron in 24 hours; 0: no alert", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_dead_letters", "about": "Alert: updates that were dead-lettered in 24 hours; 0: no alert", "value": 10}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_dead_rows_percent", "about": "Alert: percent of dead rows in a table with 50,000 of them; 0: no alert", "value": 50}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_growth_megabytes", "about": "Alert: megabytes by which the database grew in a day; 0: no alert", "value": 0}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_idle_transaction_minutes", "about": "Alert: a session holds a transaction open and does nothing for so many minutes; 0: no alert", "value": 10}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_invalid_indexes", "about": "Alert: invalid indexes; 0: no alert", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_missing_partitions", "about": "Alert: missing partitions of api_usage for this month and the next; 0: no alert", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_outbox_minutes", "about": "Alert: minutes that the oldest undelivered call to Telegram waits; 0: no alert", "value": 30}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_payments_in_doubt", "about": "Alert: payments that are held for review, and refunds whose outcome is unknown; 0: no alert", "value": 5}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_samples_days", "about": "Days that figures of the database''s health are kept", "value": 30}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_sequences_percent", "about": "Alert: percent of its numbers that a sequence has used; 0: no alert", "value": 80}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_size_megabytes", "about": "Alert: size of the database in megabytes; 0: no alert", "value": 0}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_slot_megabytes", "about": "Alert: megabytes of WAL that a replication slot keeps; 0: no alert", "value": 1024}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_slow_statement_milliseconds", "about": "Alert: mean milliseconds of a statement called 100 times and more; 0: no alert", "value": 0}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_transaction_minutes", "about": "Alert: a transaction is open for so many minutes; 0: no alert", "value": 60}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_unindexed_foreign_keys", "about": "Alert: foreign keys without an index; 0: no alert", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_unused_indexes", "about": "Alert: indexes of a megabyte and more that no query used; 0: no alert", "value": 0}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_unvalidated_constraints", "about": "Alert: constraints that were never validated; 0: no alert", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_wraparound_percent", "about": "Alert: percent of transaction ids in use, which vacuum frees; 0: no alert", "value": 40}') on conflict do nothing;
