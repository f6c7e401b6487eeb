-- Decides whether a user's question may go to the AI, and reserves a request for it: from the plan while its day and
-- its month both have one left, then from bonus credits. Checks in this order: requests left, daily cost of the user,
-- daily cost of the bot, questions in progress, monthly budgets. On a user API key only the last one applies.
--
-- p_timezone: the setting quota_timezone. p_cost: the most that the question may cost in US dollars. The reserved cost
-- of other questions in progress is added to what was spent, so the cost limits also hold for questions that arrive
-- together.
--
-- Concurrency: the user's row is locked, so two questions never pass a check together. The caller holds the update
--   row and calls only while that has no reservation.
-- Locks: user (NO KEY UPDATE), near the bot's cost limit an advisory lock of the bot, those of private.month_limit, then daily_usage and
--   monthly_usage; for a refused question as private.count_milestone.
-- Returns: record
--   reservation
--     reserved     with the day it counts for (and so the month) and its source (plan | bonus)
--     user_api_key      nothing is taken
--     refused      no requests left
--     user_cost, bot_cost   the daily cost limit is reached
--     user_month, bot_month   the monthly budget is spent
--     in_progress  the user has as many questions in progress as allowed
--   releases_left: how many failed requests may still be released today
--   plan and what follows it: as private.quota returns them, with this request counted; null on a user API key
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.reserve_usage(
  p_user_id bigint,
  p_bot text,
  p_update_id bigint,
  p_cost numeric,
  p_is_user_api_key boolean,
  p_timezone text,
  out reservation text,
  out reserved_on date,
  out reserved_from text,
  out releases_left integer,
  out plan text,
  out features text[],
  out history_length integer,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz,
  out month_requests integer,
  out monthly_requests integer,
  out month_resets_at timestamptz,
  out timezone text
)
returns record
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user record;
  v_quota record;
  v_settings jsonb;
  v_questions integer;
  v_user_cost numeric;
  v_bot_cost numeric;
  v_user_month numeric;
  v_bot_month numeric;
  v_limits record;
begin
  select u.vip_level, u.bonus_credits into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  v_now := private.clock();  -- waiting for the lock takes time
  select jsonb_object_agg(s.key, s.value) into v_settings
    from private.settings as s
   where s.key in (
     'questions_in_progress', 'daily_releases', 'daily_cost_user', 'daily_cost_bot', 'monthly_cost_user', 'monthly_cost_bot',
     'monthly_cost_bot:' || p_bot
   );
  v_questions := (v_settings ->> 'questions_in_progress')::integer;
  v_user_cost := (v_settings ->> 'daily_cost_user')::numeric;
  v_bot_cost := (v_settings ->> 'daily_cost_bot')::numeric;
  v_user_month := (v_settings ->> 'monthly_cost_user')::numeric;
  v_bot_month := coalesce(v_settings ->> ('monthly_cost_bot:' || p_bot), v_settings ->> 'monthly_cost_bot')::numeric;
  select
    count(*) as open_questions,
    count(*) filter (where t.reservation = 'reserved') as open_requests,
    coalesce(sum(t.reserved_cost), 0) as open_cost
    into v_limits
    from public.telegram_updates as t
   where t.user_id = p_user_id
     -- Behind a subquery, so that the planner takes the user's rows and not telegram_updates_open_idx: that holds the open
     -- updates of all users, but looks smaller.
     and t.status = (select 'working')
     and t.lease_until > v_now
     and t.reservation in ('reserved', 'user_api_key', 'settled')
     and (t.bot, t.update_id) <> (p_bot, p_update_id);

  if p_is_user_api_key then
    reservation := case when v_limits.open_questions < v_questions then 'user_api_key' else 'in_progress' end;
    return;
  end if;
  v_quota := private.quota(p_user_id, v_user.vip_level, p_timezone);
  plan := v_quota.plan;
  features := v_quota.features;
  history_length := v_quota.history_length;
  requests := v_quota.requests;
  daily_requests := v_quota.daily_requests;
  resets_at := v_quota.resets_at;
  month_requests := v_quota.month_requests;
  monthly_requests := v_quota.monthly_requests;
  month_resets_at := v_quota.month_resets_at;
  timezone := v_quota.timezone;
  if coalesce(v_quota.requests < v_quota.daily_requests, true)
    and coalesce(v_quota.month_requests < v_quota.monthly_requests, true)
  then
    reserved_from := 'plan';
  elsif v_user.bonus_credits > 0 then
    reserved_from := 'bonus';
  end if;
  reservation := case
    when reserved_from is null then 'refused'
    when v_user_cost > 0
      and private.user_cost(p_user_id, v_quota.day) + v_limits.open_cost + p_cost > v_user_cost then 'user_cost'
    when v_bot_cost > 0
      and not private.is_within_bot_cost_limit(p_bot, v_quota.day, p_update_id, p_cost, v_bot_cost) then 'bot_cost'
    when v_limits.open_questions >= v_questions then 'in_progress'
    else 'reserved'
  end;
  if reservation = 'reserved' and (v_user_month > 0 or v_bot_month > 0) then
    reservation := coalesce(
      private.month_limit(p_user_id, p_bot, v_quota.day, p_update_id, p_cost, v_user_month, v_bot_month), reservation
    );
  end if;
  if reservation <> 'reserved' then
    reserved_from := null;
    if reservation = 'refused' then
      perform private.count_milestone(p_user_id, 'limited');
    elsif reservation in ('user_cost', 'bot_cost') then
      perform private.alert_cost_limit(p_bot, v_quota.day, reservation, p_user_id);
    end if;
    return;
  end if;

  reserved_on := v_quota.day;
  if reserved_from = 'bonus' then
    update public.users as u set bonus_credits = u.bonus_credits - 1 where u.id = p_user_id;
  else
    requests := requests + 1;
    month_requests := month_requests + 1;
  end if;
  insert into public.daily_usage as u (user_id, bot, day, requests, bonus_requests)
  values (
    p_user_id, p_bot, v_quota.day, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, day, bot) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  insert into public.monthly_usage as u (user_id, month, requests, bonus_requests)
  values (
    p_user_id, v_quota.month, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, month) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  releases_left := greatest((v_settings ->> 'daily_releases')::integer - v_limits.open_requests - v_quota.releases, 0);
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated, service_role;
comment on function private.reserve_usage is 'Decides whether a question may go to the AI, and reserves a request';
