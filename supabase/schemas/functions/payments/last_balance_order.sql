-- Returns the user's newest order that was paid from balance. Screens shown before the next purchase share this number as their
-- idempotency key, so that a purchase from any of them is made once.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: bigint, the order's id; 0 without one.
-- Errors: none.
create or replace function public.last_balance_order(p_user_id bigint)
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(max(o.id), 0) from public.orders as o where o.user_id = p_user_id and o.provider = 'balance';
$$;

revoke all on function public.last_balance_order from public, anon, authenticated, service_role;
grant execute on function public.last_balance_order to bot_backend;
comment on function public.last_balance_order is 'Returns the user''s newest order that was paid from balance';
