-- Links the webhook events of a payment that arrived before its order was known.
--
-- Concurrency: the caller holds the payment's lock. Events that another transaction has locked are skipped: it links them
--   itself.
-- Locks: events of the payment without a user (FOR UPDATE SKIP LOCKED).
-- Returns: void
-- Errors: none.
create or replace function private.own_events_of(p_payment public.payments)
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
       and e.notices @> jsonb_build_array(jsonb_build_object('payment_id', p_payment.provider_payment_id))
       for update skip locked
  loop
    perform private.own_event(v_id);
  end loop;
end
$$;

revoke all on function private.own_events_of from public, anon, authenticated, service_role;
comment on function private.own_events_of is 'Links the earlier webhook events of a payment to its user';
