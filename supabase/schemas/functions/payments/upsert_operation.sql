-- Stores an operation of a payment (charge, refund, dispute) under the provider's id of it.
--
-- Concurrency: the caller holds the payment's lock. For a known operation, the decision changes once at most (is_final); a
--   greater refund or dispute amount, a greater fee and a currency that was missing are taken over; the first time stays.
--   Refunds that a provider reports as one running total (is_total) share a kind whose greatest sum counts.
-- Locks: payment (held by the caller), operation.
-- Returns: boolean, true for a new operation.
-- Errors: M0001 the amount is missing or negative.
create or replace function private.upsert_operation(p_payment_id bigint, p_event jsonb)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := p_event ->> 'kind';
  v_amount numeric := (p_event ->> 'amount')::numeric;
  v_is_total boolean := coalesce((p_event ->> 'is_total')::boolean, false);
  v_is_new boolean;
begin
  if (v_amount is null and v_kind in ('paid', 'refunded', 'disputed')) or v_amount < 0 then
    raise exception 'the amount of a % event is missing or negative', v_kind using errcode = 'M0001';
  end if;
  insert into public.payment_operations as o (
    payment_id, kind, operation_id, amount, currency, is_undone, is_final, fee, happened_at
  )
  values (
    p_payment_id,
    case
      when v_kind = 'paid' then 'paid'
      when v_kind = 'refunded' and v_is_total then 'refund_total'
      when v_kind in ('refunded', 'refund_failed') then 'refund'
      else 'dispute'
    end,
    coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id'),
    coalesce(v_amount, 0),
    p_event ->> 'currency',
    v_kind in ('refund_failed', 'dispute_won'),
    v_kind in ('refund_failed', 'dispute_won', 'dispute_lost'),
    coalesce((p_event ->> 'fee')::numeric, 0),
    coalesce((p_event ->> 'happened_at')::timestamptz, private.clock())
  )
  on conflict (payment_id, kind, operation_id) do update
    set amount = case
          when o.kind = 'paid' then o.amount else greatest(o.amount, excluded.amount)
        end,
        currency = coalesce(o.currency, excluded.currency),
        fee = greatest(o.fee, excluded.fee),
        is_undone = case when o.is_final then o.is_undone else excluded.is_undone end,
        is_final = o.is_final or excluded.is_final
  returning o.xmax = 0 into v_is_new;
  return v_is_new;
end
$$;

revoke all on function private.upsert_operation from public, anon, authenticated, service_role;
comment on function private.upsert_operation is 'Stores an operation of a payment under the provider''s id';
