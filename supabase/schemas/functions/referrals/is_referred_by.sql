-- Returns whether a user was referred by another one, directly or through others, at most 100 steps away: referrals
-- must not form a cycle.
--
-- Concurrency: read-only. Two newcomers who attach to each other at the same moment may both pass;
--   private.settle_referral, which locks both, then completes only the first.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_referred_by(p_user_id bigint, p_ancestor_id bigint)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with recursive line (user_id, steps) as (
    select p_user_id, 0
    union all
    select r.referrer_id, l.steps + 1
      from line as l
      join public.user_referrals as r on r.referred_id = l.user_id
     where l.steps < 100
  )
  select exists (select from line as l where l.user_id = p_ancestor_id and l.steps > 0);
$$;

revoke all on function private.is_referred_by from public, anon, authenticated, service_role;
comment on function private.is_referred_by is 'Returns whether a user was referred by another one';
