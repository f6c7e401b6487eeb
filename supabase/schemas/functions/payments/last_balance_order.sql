-- Returns the user's newest order that was paid from balance. Screens made before the next purchase have the same number, so
-- that one purchase is made from all of them together.
--
-- Twice or at once: only reads.
-- Returns: the order's id; 0 when there is none.
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
comment on function public.last_balance_order is 'The user''s newest order that was paid from balance';
