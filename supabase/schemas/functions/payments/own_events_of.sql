-- Notes whom the events of a payment are about that came before its order was known.
--
-- Twice or at once: the caller holds the payment's row; events that somebody holds are skipped: whoever holds them notes
--   it themselves.
-- Returns: nothing.
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
comment on function private.own_events_of is 'Notes whom the earlier events of a payment are about';
