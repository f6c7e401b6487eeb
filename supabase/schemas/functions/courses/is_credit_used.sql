-- Returns whether a grant has lowered the price of an upgrade to p_tier or a higher tier already. It counts again once that upgrade
-- is refunded.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_credit_used(p_user_id bigint, p_course_id bigint, p_tier text, p_grant_id bigint)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.enrollments as e
      join public.enrollment_grants as g on g.enrollment_id = e.id
     where e.user_id = p_user_id
       and e.course_id = p_course_id
       and private.tier_rank(e.tier) >= private.tier_rank(p_tier)
       and p_grant_id = any(g.credited)
       and private.is_live_grant(g)
  );
$$;

revoke all on function private.is_credit_used from public, anon, authenticated, service_role;
comment on function private.is_credit_used is 'Whether a grant has lowered the price of an upgrade already';
