-- Returns one AI request to where it was taken from: the plan's day and month, or the bonus credits. With
-- p_is_limited the release counts towards the setting daily_releases.
--
-- Concurrency: the caller holds the update row and calls only while its reservation is "reserved". The user's row is
--   locked before the counters, as for a reservation. Requests that an admin has reset meanwhile are not returned a
--   second time: the month is changed only if the day was.
-- Locks: user (NO KEY UPDATE), daily_usage, monthly_usage.
-- Returns: boolean, false and nothing changed when p_is_limited and the releases of the day are used up.
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
comment on function private.release_usage is 'Returns one reserved AI request';
