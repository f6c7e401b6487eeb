-- Takes one AI request off what a person has, before the AI is asked: off the plan while its day and its month
-- both have one, then off the bonus credits.
--
-- Twice or at once: the person's row is locked, so of two requests at the last free place one gets it. The
--   caller holds the update's row and asks only when that has no reservation yet.
-- Returns: the day it counts for (and so the month) and what it was taken from (plan | bonus); both null when
--   nothing is left.
-- Errors: 40001, the person was erased this moment; the same call once more finds them new.
create or replace function private.reserve_usage(
  p_user_id bigint, p_bot text, out reserved_on date, out reserved_from text
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_quota record;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'the person was erased this moment' using errcode = '40001';
  end if;
  v_quota := private.quota(p_user_id, v_user.vip_level);
  if coalesce(v_quota.requests < v_quota.daily_requests, true)
    and coalesce(v_quota.month_requests < v_quota.monthly_requests, true)
  then
    reserved_from := 'plan';
  elsif v_user.bonus_credits > 0 then
    reserved_from := 'bonus';
    update public.users as u set bonus_credits = u.bonus_credits - 1 where u.id = p_user_id;
  else
    return;
  end if;
  reserved_on := v_quota.day;
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
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated, service_role;
comment on function private.reserve_usage is 'Takes one AI request off what a person has left';
