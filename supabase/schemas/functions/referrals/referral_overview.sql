-- Returns the result of a user's invitations: the referral code, how many users came with it, for how many credits
-- were granted, how many credits, and what a referral is worth now.
--
-- Concurrency: read-only, over user_referrals_referrer_idx.
-- Locks: none.
-- Returns: jsonb
--   {
--     code: text
--     invited: int                            (how many came with the code)
--     completed: int                          (for how many credits were given)
--     credits: int                            (how many credits, with those of the second level)
--     second_credits: int                     (bonus requests for a user that an invited user brings; 0: none)
--     referrer_credits: int                   (what one is worth now)
--     referred_credits: int
--     was_referred: boolean
--   } | null                                  (no such user)
-- Errors: none.
create or replace function public.referral_overview(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'code', u.referral_code,
    'invited', r.invited,
    'completed', u.total_referrals,
    'credits', u.referral_credits,
    'second_credits', private.setting('referral_second_credits')::integer,
    'referrer_credits', private.setting('referral_referrer_credits')::integer,
    'referred_credits', private.setting('referral_referred_credits')::integer,
    'was_referred', exists (select from public.user_referrals as w where w.referred_id = u.id)
  )
  from public.users as u
  cross join lateral (
    select count(*) as invited
      from public.user_referrals as i
     where i.referrer_id = u.id
  ) as r
  where u.id = p_user_id;
$$;

revoke all on function public.referral_overview from public, anon, authenticated, service_role;
grant execute on function public.referral_overview to bot_backend;
comment on function public.referral_overview is 'Returns the result of a user''s invitations';
