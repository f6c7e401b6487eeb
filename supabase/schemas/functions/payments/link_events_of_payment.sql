-- Links the webhook events of a payment that arrived before its order was known.
--
-- Concurrency: the caller holds the payment's lock. Events that another transaction has locked are skipped: it links them
--   itself.
-- Locks: events of the payment without a user (FOR UPDATE SKIP LOCKED).
-- Returns: void
-- Errors: none.
create or replace function private.link_events_of_payment(p_payment public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  for v_id in
    select e.id
      from public.payment_events as e
     where e.user_id is null
       and e.provider = p_payment.provider
       and e.events @> jsonb_build_array(jsonb_build_object('payment_id', p_payment.provider_payment_id))
       for update skip locked
  loop
    perform private.link_event_to_users(v_id);
  end loop;
end
$$;

revoke all on function private.link_events_of_payment from public, anon, authenticated, service_role;
comment on function private.link_events_of_payment is 'Links the earlier webhook events of a payment to its user';
