-- Claims refunds that must be sent to their provider now, and gives up those whose idempotency key has expired: their outcome
-- becomes unknown and the admin gets a message. A refund that the provider accepted is awaited for a week; one that was never
-- sent, because its provider is not configured, for a day. p_providers: {key: lifetime of the provider's idempotency keys in
-- seconds}.
--
-- Concurrency: refunds whose payment another transaction has locked, and those of users who are being erased, are skipped. A
--   claimed refund is claimed again after a minute, then after growing intervals.
-- Locks: for each refund: user (KEY SHARE SKIP LOCKED), payment (FOR UPDATE SKIP LOCKED), refund (FOR UPDATE).
-- Returns: jsonb
--   tasks: [ private.lease_refund ]
--   outgoing: outgoing
-- Errors: none.
create or replace function public.claim_open_refunds(p_providers jsonb, p_limit integer default 20)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_payment public.payments;
  v_refund public.refunds;
  v_is_fresh boolean;
  v_max_wait interval;
  v_tasks jsonb := '[]'::jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select r.id, r.payment_id
      from public.refunds as r
     where r.status = 'open' and r.next_attempt_at <= v_now
     order by r.next_attempt_at
     limit p_limit
  loop
    select p.* into v_payment from public.payments as p where p.id = v_due.payment_id;
    perform from public.users as u where u.id = v_payment.user_id for key share skip locked;
    continue when v_payment.user_id is not null and not found;
    perform from public.payments as p where p.id = v_payment.id for update skip locked;
    continue when not found;
    select r.* into v_refund
      from public.refunds as r
     where r.id = v_due.id and r.status = 'open' and r.next_attempt_at <= v_now
       for update;
    continue when not found;

    v_is_fresh := coalesce(
      v_refund.first_attempt_at > v_now - make_interval(secs => (p_providers ->> v_payment.provider)::integer),
      v_refund.first_attempt_at is null
    );
    v_max_wait := case
      when v_refund.is_accepted then interval '7 days'
      when v_refund.first_attempt_at is null then interval '1 day'
      else interval '0'
    end;
    if p_providers ? v_payment.provider and v_is_fresh then
      update public.refunds as r set is_awaited = true where r.id = v_refund.id;
      v_tasks := v_tasks || private.lease_refund(v_refund.id);
    elsif v_refund.created_at > v_now - v_max_wait then
      update public.refunds as r set next_attempt_at = v_now + interval '30 minutes' where r.id = v_refund.id;
    else
      v_refund.is_awaited := true;
      v_outgoing := v_outgoing || private.decide_refund(v_payment, v_refund, 'unknown', null, v_refund.error);
    end if;
  end loop;
  return jsonb_build_object('tasks', v_tasks, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.claim_open_refunds from public, anon, authenticated, service_role;
grant execute on function public.claim_open_refunds to bot_backend;
comment on function public.claim_open_refunds is 'Claims refunds that must be sent to their provider';
