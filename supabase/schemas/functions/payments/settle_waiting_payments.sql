-- Settles payments that came before the order or the first payment they belong to, now that it is there.
--
-- Twice or at once: payments that somebody holds are skipped: whoever holds them settles them.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.settle_waiting_payments(p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_id bigint;
  v_outgoing jsonb := '[]';
begin
  for v_id in
    select p.id
      from public.payments as p
     where p.problem = 'no_order'
       and (
         exists (
           select from public.renewals as r
            where r.provider = p.provider and r.provider_subscription_id = p.claims ->> 'subscription_id'
         )
         or exists (
           select from public.orders as o
            where o.id = (p.claims ->> 'order_id')::bigint and o.provider = p.provider
         )
       )
     order by p.id
     limit 20
       for update skip locked
  loop
    v_outgoing := v_outgoing || private.settle_payment(v_id, p_accept_test);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.settle_waiting_payments from public, anon, authenticated;
comment on function private.settle_waiting_payments is 'Settles payments whose order has appeared';
