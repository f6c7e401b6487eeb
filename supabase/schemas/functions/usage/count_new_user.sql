-- Adds a new user to the totals of the day and to the first step of the funnel, with the bot that the user started (empty: unknown).
--
-- Concurrency: the caller has just inserted or started the user's row, which happens once.
-- Locks: one of the sixteen rows of daily_funnel for new users of the bot, then of daily_totals.
-- Returns: void
-- Errors: none.
create or replace function private.count_new_user(p_user_id bigint, p_now timestamptz, p_bot text default '')
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with started as (
    insert into public.user_milestones (user_id, started_on, bot)
    values (p_user_id, (p_now at time zone private.setting('quota_timezone'))::date, p_bot)
    on conflict (user_id) do nothing
    returning started_on
  )
  insert into public.daily_funnel as f (cohort_day, bot, step, shard, users)
  select s.started_on, p_bot, 'started', p_user_id & 15, 1 from started as s
  on conflict (cohort_day, bot, step, shard) do update set users = f.users + 1;
  insert into public.daily_totals as t (day, provider, model, is_user_api_key, shard, new_users)
  values (
    (p_now at time zone private.setting('quota_timezone'))::date, '', '', false, p_user_id & 15, 1
  )
  on conflict (day, bot, provider, model, is_user_api_key, shard) do update
    set new_users = t.new_users + excluded.new_users;
$$;

revoke all on function private.count_new_user from public, anon, authenticated, service_role;
comment on function private.count_new_user is 'Adds a new user to the totals of the day';
