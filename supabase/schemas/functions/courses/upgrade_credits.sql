-- Returns what a user has paid for lower tiers of the course that a product sells, by currency: what an upgrade costs less in this
-- currency, and in no other (private.course_credits).
--
-- Concurrency: read-only. The order computes the price again.
-- Locks: none.
-- Returns: jsonb
--   { [text]: numeric }    (by currency; empty for a product that is no upgrade)
-- Errors: none.
create or replace function public.upgrade_credits(p_user_id bigint, p_product_key text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(p.currency, c.amount::text), '{}')
    from public.course_offers as f
    cross join lateral (
      select distinct g.currency
        from public.enrollments as e
        join public.enrollment_grants as g on g.enrollment_id = e.id
       where e.user_id = p_user_id and e.course_id = f.course_id and g.currency is not null
    ) as p
    cross join lateral private.course_credits(p_user_id, f.course_id, f.tier, p.currency) as c
   where f.product_key = p_product_key and c.amount > 0;
$$;

revoke all on function public.upgrade_credits from public, anon, authenticated, service_role;
grant execute on function public.upgrade_credits to bot_backend;
comment on function public.upgrade_credits is 'What an upgrade of a course costs less, by currency';
