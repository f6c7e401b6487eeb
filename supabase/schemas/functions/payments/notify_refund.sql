-- Notifies the buyer of a refund (partial or full), of a dispute, and of what reversed either. A part of the price takes nothing
-- of a course or a gift.
--
-- Concurrency: the caller calls when the sums or the reversed quantities have changed.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing); empty for a dispute that is already decided in the buyer's favor,
--   which private.notify_dispute_lost reports.
-- Errors: none.
create or replace function private.notify_refund(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payer record;
  v_back numeric := p_payment.refunded + p_payment.disputed - p_before.refunded - p_before.disputed;
begin
  if v_back = 0 then  -- the refund was recorded before the payment was settled
    v_back := p_payment.refunded + p_payment.disputed;
  end if;
  if p_payment.disputed > p_before.disputed and not exists (
    select
      from public.payment_operations as o
     where o.payment_id = p_payment.id and o.kind = 'dispute' and not o.is_final
  ) then
    return '[]'::jsonb;  -- already lost by us: private.notify_dispute_lost notifies
  end if;
  select b.* into v_payer from private.find_payer(p_payment) as b;
  return private.enqueue_user_message(
    v_payer.user_id,
    v_payer.bot,
    case
      when v_payer.product_key is null then 'refunded_unknown'
      when p_payment.problem is not null then 'refunded_unused'
      when p_payment.disputed < p_before.disputed then 'dispute_won'
      when v_back < 0 then 'refund_undone'
      when p_payment.disputed > p_before.disputed then 'disputed'
      when p_payment.status = 'completed' and exists (
        select
          from public.payment_effects as e
         where e.payment_id = p_payment.id and e.effect in ('course', 'gift')
      ) then case when p_payment.provider = 'balance' then 'refunded_part_kept_to_balance' else 'refunded_part_kept' end
      when p_payment.provider = 'balance' and p_payment.status = 'completed' then 'refunded_part_to_balance'
      when p_payment.provider = 'balance' then 'refunded_to_balance'
      when p_payment.status = 'completed' then 'refunded_part'
      else 'refunded'
    end,
    jsonb_build_object('money', jsonb_build_object('amount', abs(v_back), 'currency', p_payment.currency))
    || case
         when v_payer.product_key is null then '{}'::jsonb
         else jsonb_build_object('title', private.product_titles(v_payer.product_key))
       end
  );
end
$$;

revoke all on function private.notify_refund from public, anon, authenticated, service_role;
comment on function private.notify_refund is 'Notifies the buyer of a refund or dispute';
