-- Settles payments that arrived before the order or renewal they belong to, once that exists. At most 20 per call.
--
-- Concurrency: payments that another transaction has locked are skipped: it settles them itself. Payments of users who are
--   being erased are skipped until the next event.
-- Locks: payments by id (FOR UPDATE SKIP LOCKED), each followed by its users by id (KEY SHARE SKIP LOCKED), its order's
--   discount, then as private.settle_payment. Elsewhere the discount is locked before the payment, so a concurrent event of the
--   same payment can deadlock here; the call that Postgres ends (40P01) is repeated.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.settle_unmatched_payments(p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_waiting public.payments;
  v_user_ids bigint[];
  v_held integer;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_waiting in
    select p.*
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
    v_user_ids := array(
      select distinct e.user_id
        from private.users_of_event(v_waiting.provider, jsonb_build_array(v_waiting.claims)) as e
       where e.user_id is not null
    );
    perform from public.users as u where u.id = any(v_user_ids) order by u.id for key share skip locked;
    get diagnostics v_held = row_count;
    continue when v_held < cardinality(v_user_ids);
    perform private.lock_order_discounts(array[(v_waiting.claims ->> 'order_id')::bigint]);
    v_outgoing := v_outgoing || private.settle_payment(v_waiting.id, p_accept_test);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.settle_unmatched_payments from public, anon, authenticated, service_role;
comment on function private.settle_unmatched_payments is 'Settles payments that arrived before their order or renewal';
