-- Holds the people that an event is about until the transaction ends, so that nobody erases them in between, and then the
-- discounts of its orders, so that nobody makes an order with one while it is being paid.
--
-- Twice or at once: whoever changes money of a person holds them before they lock anything else of theirs. An erasure has
--   the person alone, then locks what is theirs; so it never waits for somebody who waits for it.
-- Returns: nothing.
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
comment on function private.lock_payers is 'Holds the people that an event is about';
