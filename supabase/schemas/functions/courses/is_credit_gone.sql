-- Returns whether the purchases that make an upgrade of a course cheaper no longer pay for it: they were refunded meanwhile, also in
-- part, or have lowered the price of another upgrade to the same tier or a higher one. The order can then not be paid.
-- p_terms: orders.course_terms.
--
-- Concurrency: read-only. private.claim_payment serializes payments of one user's upgrades, so of two orders with the same credit
--   the second payment finds the grant of the first.
-- Locks: none.
-- Returns: boolean; false for an order that is no upgrade.
-- Errors: none.
create or replace function private.is_credit_gone(p_terms jsonb)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((p_terms ->> 'credit')::numeric > 0, false)
    and (p_terms ->> 'credit')::numeric > (
      select coalesce(sum(g.amount - coalesce(p.refunded + p.disputed, 0)), 0)
        from public.enrollment_grants as g
        join public.enrollments as e on e.id = g.enrollment_id
        left join public.payments as p on p.id = g.payment_id
       where g.withdrawn_at is null
         and g.id in (select c.value::bigint from jsonb_array_elements_text(p_terms -> 'credited') as c)
         and not private.is_credit_used(e.user_id, e.course_id, p_terms ->> 'tier', g.id)
    );
$$;

revoke all on function private.is_credit_gone from public, anon, authenticated, service_role;
comment on function private.is_credit_gone is 'Whether purchases that make an upgrade cheaper were refunded or used';
