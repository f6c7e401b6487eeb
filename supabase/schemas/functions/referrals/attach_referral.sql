-- Records who referred a new user. Credits follow with the first served request.
--
-- Concurrency: referred_id is unique, so the first referrer stays. Both users are locked, so neither is erased
--   meanwhile.
-- Locks: referrer (KEY SHARE), then user (KEY SHARE).
-- Returns: text, attached | already_attached | self | unknown_code | not_new (served before, erased and returned, or
--   the two would refer each other).
-- Errors: none.
create or replace function private.attach_referral(p_user_id bigint, p_referral_code text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_referrer_id bigint;
  v_is_newcomer boolean;
begin
  select u.id into v_referrer_id from public.users as u where u.referral_code = lower(p_referral_code)
    for key share;
  if not found then
    return 'unknown_code';
  elsif v_referrer_id = p_user_id then
    return 'self';
  end if;
  select u.is_newcomer into v_is_newcomer from public.users as u where u.id = p_user_id
    for key share;
  if exists (select from public.user_referrals as r where r.referred_id = p_user_id) then
    return 'already_attached';
  elsif not coalesce(v_is_newcomer, false) or private.is_referred_by(v_referrer_id, p_user_id) then
    return 'not_new';
  end if;
  insert into public.user_referrals (referrer_id, referred_id)
  values (v_referrer_id, p_user_id)
  on conflict (referred_id) do nothing;
  return case when found then 'attached' else 'already_attached' end;
end
$$;

revoke all on function private.attach_referral from public, anon, authenticated, service_role;
comment on function private.attach_referral is 'Records who referred a new user';
