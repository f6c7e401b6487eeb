-- Locks the users that payment events concern against erasure until the transaction ends, then the discounts of the events'
-- orders, so that no order is created with a discount whose order is being paid.
--
-- Concurrency: every transaction that changes a user's payments locks the user first. An erasure locks the user exclusively,
--   then the user's rows: it therefore never waits for a transaction that waits for it.
-- Locks: users by id (KEY SHARE), then discounts by (promocode_id, user_id).
-- Returns: void
-- Errors: none.
create or replace function private.lock_payers(p_provider text, p_events jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_ids bigint[] := array(select e.user_id from private.users_of_event(p_provider, p_events) as e);
begin
  perform from public.users as u where u.id = any(v_user_ids) order by u.id for key share;
  perform private.lock_order_discounts(
    array(
      select (n.value ->> 'order_id')::bigint from jsonb_array_elements(p_events) as n
      union
      select (p.claims ->> 'order_id')::bigint
        from public.payments as p
       where p.provider = p_provider
         and p.provider_payment_id = any(
           array(select n.value ->> 'payment_id' from jsonb_array_elements(p_events) as n)
         )
    )
  );
end
$$;

revoke all on function private.lock_payers from public, anon, authenticated, service_role;
comment on function private.lock_payers is 'Locks the users that payment events concern';
