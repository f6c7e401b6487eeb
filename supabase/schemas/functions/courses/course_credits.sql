-- Returns what a learner has paid for lower tiers of a course, less refunds: what an upgrade to p_tier costs less. Only payments
-- in the same currency count, only tiers that the learner still has, and each once for a tier.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (credited, amount), the grants and their sum; empty and 0 without any.
-- Errors: none.
create or replace function private.course_credits(
  p_user_id bigint, p_course_id bigint, p_tier text, p_currency text, out credited bigint[], out amount numeric
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(n.id order by n.id), '{}'), coalesce(sum(n.net), 0)
    from (
      select g.id, g.amount - coalesce(p.refunded + p.disputed, 0) as net
        from public.enrollments as e
        join public.enrollment_grants as g on g.enrollment_id = e.id
        left join public.payments as p on p.id = g.payment_id
       where e.user_id = p_user_id
         and e.course_id = p_course_id
         and e.withdrawn_at is null
         and coalesce(e.expires_at > (select private.clock()), true)
         and private.tier_rank(e.tier) < private.tier_rank(p_tier)
         and g.currency = p_currency
         and private.is_live_grant(g)
         and not private.is_credit_used(e.user_id, e.course_id, p_tier, g.id)
    ) as n
   where n.net > 0;
$$;

revoke all on function private.course_credits from public, anon, authenticated, service_role;
comment on function private.course_credits is 'What a learner has paid for lower tiers of a course';
