-- Gives one AI request back to where it was taken from: the plan's day and month, or the bonus credits.
--
-- Twice or at once: the caller holds the update's row and asks only while that says "reserved". The person's
--   row is locked before the counters, as when a request is taken. What an admin gave back meanwhile is not
--   given a second time: the month follows the day.
-- Returns: false, and nothing changed, when p_is_limited and the day's releases (setting daily_releases) are used up.
-- Errors: none.
create or replace function private.release_usage(
  p_user_id bigint, p_bot text, p_day date, p_reserved_from text, p_is_limited boolean default false
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_bonus integer := (p_reserved_from = 'bonus')::integer;
  v_is_plan integer := 1 - v_is_bonus;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if p_is_limited and (
    select coalesce(sum(d.releases), 0) from public.daily_usage as d where d.user_id = p_user_id and d.day = p_day
  ) >= private.setting('daily_releases')::integer then
    return false;
  end if;
  if v_is_bonus > 0 then
    update public.users as u set bonus_credits = u.bonus_credits + 1 where u.id = p_user_id;
  end if;
  update public.daily_usage as u
     set requests = u.requests - v_is_plan,
         bonus_requests = u.bonus_requests - v_is_bonus,
         releases = u.releases + p_is_limited::integer
   where u.user_id = p_user_id and u.bot = p_bot and u.day = p_day
     and u.requests >= v_is_plan and u.bonus_requests >= v_is_bonus;
  if found then
    update public.monthly_usage as u
       set requests = u.requests - v_is_plan,
           bonus_requests = u.bonus_requests - v_is_bonus
     where u.user_id = p_user_id and u.month = date_trunc('month', p_day::timestamp)::date
       and u.requests >= v_is_plan and u.bonus_requests >= v_is_bonus;
  end if;
  return true;
end
$$;

revoke all on function private.release_usage from public, anon, authenticated, service_role;
comment on function private.release_usage is 'Gives one AI request back';
