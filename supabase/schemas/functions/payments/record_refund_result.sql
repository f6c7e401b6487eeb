-- Keeps what a provider answered that was asked for a refund, when money did not visibly move: it took the question and
-- tells later, it refused, or nobody knows. (What moved is a payment event: private.close_refund.)
--
-- Twice or at once: the payment's row is locked, then the refund's. What is decided stays so. A refusal is believed when it
-- was the first answer: after a question without an answer it may be of the second question alone.
-- Returns: jsonb {status: open | done | refused | unknown | failed, is_accepted, error, outgoing: outbox items to deliver now}.
-- Errors: none of its own.
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
           -- The provider is given longer and longer pauses, half an hour at most.
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
comment on function public.record_refund_result is 'Keeps what a provider answered that was asked for a refund';
