-- Gives the refunds whose provider is to be asked now (p_providers: {key: seconds for which its keys make nothing twice}),
-- and gives up those whose key is too old. One that the provider has taken is waited for a week.
--
-- Twice or at once: refunds that somebody holds are skipped, and so are those of people who are being erased; one that
--   was given is not given again for a minute, and then at growing intervals.
-- Returns: jsonb {tasks: [see private.refund_task], outgoing: outbox items to deliver now}.
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
  v_patience interval;
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
    v_patience := case
      when v_refund.is_accepted then interval '7 days'
      when v_refund.first_attempt_at is null then interval '1 day'
      else interval '0'
    end;
    if p_providers ? v_payment.provider and v_is_fresh then
      update public.refunds as r set is_awaited = true where r.id = v_refund.id;
      v_tasks := v_tasks || private.refund_task(v_refund.id);
    elsif v_refund.created_at > v_now - v_patience then
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
comment on function public.claim_open_refunds is 'Gives the refunds whose provider is to be asked now';
