-- Changes the messages that invited to pay an order, once for each state, so that they invite no longer.
--
-- Twice or at once: the order's row is locked and remembers what its messages say, so a state is written once.
-- Returns: see private.enqueue_user_message; empty where no message is known, or they say so already.
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
  v_texts jsonb;
  v_moved jsonb;
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
  select p.texts into v_texts from public.products as p where p.key = v_order.product_key;
  -- What was paid or refunded may differ from the price: a wrong amount was held, a coupon paid a part.
  select jsonb_build_object(
      'amount', sum(case when v_state = 'refunded' then p.refunded else p.amount end), 'currency', p.currency
    )
    into v_moved
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
        'title', private.product_titles(v_texts),
        'price', coalesce(v_moved, jsonb_build_object('amount', v_order.amount, 'currency', v_order.currency))
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
comment on function private.edit_invitation is 'Changes the messages that invited to pay an order';
