-- Edits the messages that invite to pay an order, so that they show its state (private.checkout_state) instead of the
-- invitation.
--
-- Concurrency: the order's row is locked and stores the state that its messages show, so each state is written once.
-- Locks: order.
-- Returns: jsonb, the edits to deliver now (outgoing); empty if the order has no message, can still be paid, or its messages
--   show the state.
-- Errors: none.
create or replace function private.edit_invitation(p_order_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_state text;
  v_sum jsonb;
  v_message_id bigint;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = p_order_id and cardinality(o.message_ids) > 0 and o.user_id is not null
     for update;
  if not found then
    return v_outgoing;
  end if;
  v_state := private.checkout_state(v_order);
  if v_state is null or v_state is not distinct from v_order.message_state then
    return v_outgoing;
  end if;
  update public.orders as o set message_state = v_state where o.id = p_order_id;
  -- The sum may differ from the price: a wrong amount was held and refunded, or a coupon paid a part.
  select jsonb_build_object(
      'amount', sum(case when v_state = 'refunded' then p.refunded else p.amount end), 'currency', p.currency
    )
    into v_sum
    from public.payments as p
   where p.order_id = p_order_id
     and p.status = case when v_state = 'refunded' then 'refunded' else 'completed' end
     and (v_state = 'refunded' or v_state = 'paid' and p.problem is null)
     and p.problem is distinct from 'owner'
     and p.problem is distinct from 'test'
     and p.problem is distinct from 'second_charge'
   group by p.currency
   order by sum(p.amount) desc
   limit 1;
  foreach v_message_id in array v_order.message_ids loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_order.user_id,
      v_order.bot,
      case v_state
        when 'paid' then 'invitation_paid'
        when 'held' then 'invitation_held'
        when 'refunded' then 'invitation_refunded'
        when 'disputed' then 'invitation_disputed'
        when 'withdrawn' then 'invitation_withdrawn'
        else 'invitation_expired'
      end,
      jsonb_build_object(
        'title', private.product_titles(v_order.product_key),
        'price', coalesce(v_sum, jsonb_build_object('amount', v_order.amount, 'currency', v_order.currency))
      ),
      case
        when v_state in ('refunded', 'withdrawn', 'expired')
          then jsonb_build_array(
            jsonb_build_array(jsonb_build_object('key', 'invitation_again', 'data', 'other:' || p_order_id))
          )
      end,
      v_message_id
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.edit_invitation from public, anon, authenticated, service_role;
comment on function private.edit_invitation is 'Edits the messages that invite to pay an order';
