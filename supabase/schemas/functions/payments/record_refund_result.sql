-- Records a provider's answer to a refund request whose money has not visibly moved: accepted (the outcome follows), refused,
-- or unsure. A refund that moved money is a payment event instead (private.close_refund).
--
-- Concurrency: the refund's row is locked, and a decided refund does not change. A refusal counts only as the answer to the
--   first attempt: after an attempt without an answer it may refer to the repetition alone, while the first one was executed.
-- Locks: user (KEY SHARE), payment, refund.
-- Returns: jsonb
--   status: 'open' | 'done' | 'refused' | 'unknown' | 'failed'
--   is_accepted: boolean
--   error: text | null
--   outgoing: outgoing
-- Errors: none.
create or replace function public.record_refund_result(p_refund_id bigint, p_answer text, p_error text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_payment public.payments;
  v_refund public.refunds;
  v_outgoing jsonb := '[]'::jsonb;
begin
  v_payment := private.lock_payment((select r.payment_id from public.refunds as r where r.id = p_refund_id));
  select r.* into v_refund from public.refunds as r where r.id = p_refund_id for update;
  if v_refund.status = 'open' and p_answer = 'refused' and v_refund.attempts <= 1 and not v_refund.is_accepted then
    v_outgoing := private.decide_refund(v_payment, v_refund, 'refused', null, p_error);
  elsif v_refund.status = 'open' then
    update public.refunds as r
       set is_accepted = r.is_accepted or p_answer = 'accepted',
           is_awaited = true,
           error = left(p_error, 500),
           -- Growing pauses, half an hour at most.
           next_attempt_at = v_now + least(r.attempts * r.attempts, 30) * interval '1 minute'
     where r.id = p_refund_id;
  end if;
  select r.* into v_refund from public.refunds as r where r.id = p_refund_id;
  return jsonb_build_object(
    'status', v_refund.status, 'is_accepted', v_refund.is_accepted, 'error', v_refund.error, 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.record_refund_result from public, anon, authenticated, service_role;
grant execute on function public.record_refund_result to bot_backend;
comment on function public.record_refund_result is 'Records a provider''s answer to a refund request';
