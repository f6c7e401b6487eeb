-- Tells what a person may still ask today, over all bots.
--
-- Twice or at once: only reads. Whoever means to spend a request locks the person's row first.
-- Returns: plan (NONE, which allows nothing, when no plan covers the level), day (in quota_timezone), requests used and allowed that day (null is no limit), and when
--   the next day begins.
-- Errors: none.
create or replace function private.quota(
  p_user_id bigint,
  p_vip_level integer,
  out plan text,
  out day date,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_timezone text := private.setting('quota_timezone');
begin
  day := (private.clock() at time zone v_timezone)::date;
  resets_at := (day + 1)::timestamp at time zone v_timezone;
  select l.plan, l.daily_requests into plan, daily_requests
    from public.subscription_limits as l
   where l.vip_level <= p_vip_level
   order by l.vip_level desc
   limit 1;
  if not found then
    -- Somebody deleted the plan. Nothing is not the same as no limit.
    plan := 'NONE';
    daily_requests := 0;
  end if;
  select coalesce(sum(u.requests), 0) into requests
    from public.daily_usage as u
   where u.user_id = p_user_id and u.day = quota.day;
end
$$;

revoke all on function private.quota from public, anon, authenticated;
comment on function private.quota is 'What a person may still ask today';
