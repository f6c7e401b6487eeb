-- Records that a user is canceling a renewal at its provider with our button. The screen of that button shows the result, so
-- the provider's webhook event about it sends no second confirmation.
--
-- Concurrency: the last call counts, for two minutes (private.change_renewal).
-- Locks: renewal.
-- Returns: void
-- Errors: none.
create or replace function public.begin_cancel(p_user_id bigint, p_renewal_id bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.renewals as r
     set cancel_requested_at = private.clock()
   where r.id = p_renewal_id and r.user_id = p_user_id and r.status in ('active', 'past_due');
$$;

revoke all on function public.begin_cancel from public, anon, authenticated, service_role;
grant execute on function public.begin_cancel to bot_backend;
comment on function public.begin_cancel is 'Records that a user is canceling a renewal at its provider';
