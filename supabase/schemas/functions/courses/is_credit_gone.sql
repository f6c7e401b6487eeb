-- Returns whether purchases that make an upgrade of a course cheaper were refunded meanwhile, also in part. The order for it can
-- then not be paid. p_terms: orders.course_terms.
--
-- Concurrency: read-only.
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
        left join public.payments as p on p.id = g.payment_id
       where g.withdrawn_at is null
         and g.id in (select c.value::bigint from jsonb_array_elements_text(p_terms -> 'credited') as c)
    );
$$;

revoke all on function private.is_credit_gone from public, anon, authenticated, service_role;
comment on function private.is_credit_gone is 'Whether purchases that make an upgrade cheaper were refunded';
