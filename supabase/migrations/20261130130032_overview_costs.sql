-- Overview costs.

-- Returns an admin's overview of the bots: users, requests, AI calls and their cost, for today, 7 and 30 days. A day
-- is one of the setting quota_timezone; costs are in US dollars as far as providers report them, without user API
-- keys.
--
-- Concurrency: read-only. It reads counters of 30 days and not users or requests, so it is as fast with a million of
--   them; only the active sessions are counted from the updates of the last hour.
-- Locks: none.
-- Returns: jsonb
--   users: int
--   active_sessions: int   (of the last hour)
--   day: {
--     active: int, new: int, requests: int, calls: int
--     errors: int                             (calls that failed)
--     tokens_in: int, tokens_out: int
--     cost: numeric                           (US dollars as far as providers say, without users' own keys)
--   }
--   week: public.admin_overview.day           (7 days, today included)
--   month: public.admin_overview.day          (30 days, today included)
--   days: [ { day: date, active: int, new: int, requests: int, errors: int } ]   (30, today last)
--   models: [ { provider: text, model: text, requests: int, calls: int, errors: int, cost: numeric } ]
--                                             (the 5 most used of 30 days)
-- Errors: N0001 not an admin.
create or replace function public.admin_overview(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_users bigint;
  v_overview jsonb;
begin
  perform private.require_admin(p_admin_email);
  select coalesce(sum(p.last_active), 0) into v_users
    from public.daily_active_users as p
   where p.day = '-infinity';

  with active_users as (
    select p.day, sum(p.active) as active, sum(p.last_active) as last_active
      from public.daily_active_users as p
     where p.day between v_today - 29 and v_today
     group by p.day
  ), figures as materialized (
    select
      t.day, t.provider, t.model,
      sum(t.new_users) as new_users, sum(t.requests) as requests, sum(t.calls) as calls,
      sum(t.errors) as errors, sum(t.tokens_in) as tokens_in, sum(t.tokens_out) as tokens_out,
      coalesce(sum(t.cost) filter (where not t.is_user_api_key), 0) as cost
      from public.daily_totals as t
     where t.day between v_today - 29 and v_today
     group by t.day, t.provider, t.model
  ), totals as (
    select
      f.day,
      sum(f.new_users) as new_users, sum(f.requests) as requests, sum(f.calls) as calls,
      sum(f.errors) as errors, sum(f.tokens_in) as tokens_in, sum(f.tokens_out) as tokens_out,
      sum(f.cost) as cost
      from figures as f
     group by f.day
  ), days as (
    select
      v_today - g.ago as day, g.ago,
      coalesce(p.active, 0) as active, coalesce(p.last_active, 0) as last_active,
      coalesce(t.new_users, 0) as new_users, coalesce(t.requests, 0) as requests,
      coalesce(t.calls, 0) as calls, coalesce(t.errors, 0) as errors,
      coalesce(t.tokens_in, 0) as tokens_in, coalesce(t.tokens_out, 0) as tokens_out,
      coalesce(t.cost, 0) as cost
      from generate_series(0, 29) as g (ago)
      left join active_users as p on p.day = v_today - g.ago
      left join totals as t on t.day = v_today - g.ago
  ), periods as (
    select
      w.name,
      jsonb_build_object(
        'active', sum(d.last_active), 'new', sum(d.new_users), 'requests', sum(d.requests),
        'calls', sum(d.calls), 'errors', sum(d.errors), 'tokens_in', sum(d.tokens_in),
        'tokens_out', sum(d.tokens_out), 'cost', trim_scale(round(sum(d.cost), 6))::text
      ) as sums
      from (values ('day', 1), ('week', 7), ('month', 30)) as w (name, length)
      join days as d on d.ago < w.length
     group by w.name
  ), models as (
    select
      f.provider, f.model,
      sum(f.requests) as requests, sum(f.calls) as calls, sum(f.errors) as errors, sum(f.cost) as cost
      from figures as f
     where f.model <> ''
     group by f.provider, f.model
     order by sum(f.requests) desc, sum(f.calls) desc, f.provider, f.model
     limit 5
  )
  select
    (select jsonb_object_agg(p.name, p.sums) from periods as p)
    || jsonb_build_object(
      'users', v_users,
      'active_sessions', public.count_active_sessions(),
      'days', (
        select jsonb_agg(
            jsonb_build_object(
              'day', d.day, 'active', d.active, 'new', d.new_users, 'requests', d.requests,
              'errors', d.errors
            )
            order by d.day
          )
          from days as d
      ),
      'models', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'provider', m.provider, 'model', m.model, 'requests', m.requests, 'calls', m.calls,
                'errors', m.errors, 'cost', trim_scale(round(m.cost, 6))::text
              )
              order by m.requests desc, m.calls desc, m.provider, m.model
            ),
            '[]'::jsonb
          )
          from models as m
      )
    )
    into v_overview;
  return v_overview;
end
$$;

revoke all on function public.admin_overview from public, anon, authenticated, service_role;
grant execute on function public.admin_overview to bot_backend, service_role;
comment on function public.admin_overview is 'Returns an admin''s overview of the bots';
