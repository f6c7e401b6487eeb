-- Reminds users once of an unpaid order, order_reminder_hours after it was created (0: never). An order is skipped when
-- anything shows that the user no longer needs it: a payment (also one under review or pending), expiry, a newer order of the
-- same product, a purchase of the same product or plan, a discount that is bound to another order, a ban, or a blocked bot. An active
-- sequence of the event order_unpaid that takes the user reminds instead (private.enter_rule).
--
-- Concurrency: orders that another transaction has locked and users who are being erased are skipped. The reminder is stored in
--   orders.notified, so it is sent once.
-- Locks: orders by expires_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED) and run.
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_order_reminders(p_limit integer default 100)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_hours numeric := private.setting('order_reminder_hours')::numeric;
  v_order public.orders;
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_hours <= 0 then
    return v_outgoing;
  end if;
  for v_order in
    select o.*
      from public.orders as o
     where o.status = 'pending'
       and o.expires_at > v_now
       and o.created_at <= v_now - make_interval(secs => (v_hours * 3600)::double precision)
       and o.renewal_id is null
       and not o.notified && array['pending', 'reminder']
       and not private.is_discount_gone(o)
       and exists (select from public.users as u where u.id = o.user_id and u.banned_at is null and u.is_active)
       and not exists (select from public.payments as p where p.order_id = o.id)
       and not exists (
         select
           from public.orders as e
          where e.user_id = o.user_id
            and (e.product_key = o.product_key or e.plan = o.plan)
            and (e.completed_at > o.created_at or (e.id > o.id and e.product_key = o.product_key))
       )
     order by o.expires_at
     limit p_limit
       for update of o skip locked
  loop
    perform from public.users as u where u.id = v_order.user_id for key share skip locked;
    continue when not found;
    update public.orders as o set notified = o.notified || 'reminder'::text where o.id = v_order.id;
    continue when private.enter_rule(v_order.user_id, 'order_unpaid');
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_order.user_id,
      v_order.bot,
      'order_reminder',
      jsonb_build_object(
        'title', private.product_titles(v_order.product_key),
        'price', jsonb_build_object('amount', v_order.amount, 'currency', v_order.currency)
      ),
      case when v_order.checkout_url is not null then jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'buy_pay_button', 'url', v_order.checkout_url))
      ) else '[]'::jsonb end
      || jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'buy_other', 'data', 'other:' || v_order.id))
      ),
      p_order_id => v_order.id
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_order_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_order_reminders to bot_backend;
comment on function public.enqueue_order_reminders is 'Reminds users of unpaid orders';
