-- Attaches a new user who has no referrer yet to the owner of a referral code, and completes the referral: both users
-- get bonus credits. For our own code and other services; a bot completes a referral itself at the first served
-- request.
--
-- Concurrency: fifty calls at once complete it once (private.settle_referral). The first referrer stays: the code of
--   another one changes nothing.
-- Locks: as private.attach_referral and private.settle_referral.
-- Returns: jsonb
--   outcome: 'completed' | 'already_completed' | 'self' | 'unknown_code' | 'not_new' | 'limit_reached'
--   referrer_credits: int
--   referred_credits: int
-- Errors: none.
create or replace function public.complete_referral(p_user_id bigint, p_referral_code text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outcome text := private.attach_referral(p_user_id, p_referral_code);
  v_referral public.user_referrals;
begin
  if v_outcome in ('attached', 'already_attached') then
    select r.* into v_referral
      from public.user_referrals as r
      join public.users as u on u.id = r.referrer_id
     where r.referred_id = p_user_id and u.referral_code = lower(p_referral_code);
    v_outcome := case when found then private.settle_referral(p_user_id) ->> 'outcome' else 'not_new' end;
  end if;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_user_id;
  return jsonb_build_object(
    'outcome', v_outcome,
    'referrer_credits', case when v_outcome = 'completed' then v_referral.referrer_credits else 0 end,
    'referred_credits', case when v_outcome = 'completed' then v_referral.referred_credits else 0 end
  );
end
$$;

revoke all on function public.complete_referral from public, anon, authenticated, service_role;
grant execute on function public.complete_referral to bot_backend, service_role;
comment on function public.complete_referral is 'Completes a referral: both users get bonus credits, once';
