-- Keeps what a provider told us and applies it. What fails to apply is kept with its error and answered so that the
-- provider tells it again, for a day; the same event a second time finds itself done. An event about a subscription that
-- nobody here has is given up after a day (another shop may share the account): its other notices are applied, its words
-- are not kept, and the admins are told once of each such subscription, whose later events are given up at once.
--
-- Twice or at once: its people are held before anything of theirs is locked, so that an erasure of them never waits in
--   a circle. The event is unique and its row locked, then the payment's (private.apply_payment_notice).
--   Applying is a transaction within this one: its failure undoes itself and leaves the event. Deadlocks, lock timeouts
--   and other retryable errors are not kept as the event's error: they end the whole call, which the caller repeats.
-- Returns: jsonb
--   {outcome: applied, outgoing: [{bot, id, method, parameters}]}   outbox items to deliver from now on
--   {outcome: known, is_late}                                       applied or given up before; is_late: true where it
--                                                                   came first a day ago
--   {outcome: ignored, error, is_alarm, outgoing}                   given up; is_alarm: the first of its subscription
--   {outcome: failed, error, is_late}                               the provider shall tell it again, unless is_late: it
--                                                                   came first a day ago, and is tried again from here
-- Errors: of the classes 40, 53, 55 and 57 (private.is_retryable): nothing is stored, the same call is made again.
create or replace function public.record_payment_event(
  p_provider text,
  p_event_key text,
  p_type text,
  p_body text,
  p_notices jsonb,
  p_accept_test boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_event public.payment_events;
  v_notice jsonb;
  v_outgoing jsonb := '[]'::jsonb;
  v_error text;
  v_is_late boolean;
  v_ignored text;
  v_is_alarm boolean := false;
begin
  perform private.hold_payers(p_provider, p_notices);
  insert into public.payment_events as e (provider, event_key, type, body, notices)
  values (p_provider, p_event_key, p_type, p_body, p_notices)
  on conflict (provider, event_key) do update
    set attempts = e.attempts + 1
  returning e.* into v_event;
  v_is_late := v_event.received_at <= private.clock() - interval '1 day';
  if v_event.processed_at is not null then
    return jsonb_build_object('outcome', 'known') || case when v_is_late then '{"is_late": true}' else '{}' end::jsonb;
  end if;

  begin
    for v_notice in select n.value from jsonb_array_elements(p_notices) as n (value)
    loop
      begin
        v_outgoing := v_outgoing || private.apply_payment_notice(p_provider, v_notice, p_accept_test);
      exception when sqlstate 'M0002' then
        v_ignored := v_notice ->> 'subscription_id';
        if not private.is_given_up(p_provider, v_ignored) then
          if not v_is_late then
            raise;
          end if;
          v_is_alarm := true;
          v_outgoing := v_outgoing || private.alarm_about_subscription(p_provider, v_ignored, 'unknown');
        end if;
      end;
    end loop;
    v_outgoing := v_outgoing || private.settle_waiting_payments(p_accept_test);
  exception when others then
    if private.is_retryable(sqlstate) then
      raise;
    end if;
    get stacked diagnostics v_error = message_text;
    v_error := sqlstate || ' ' || v_error;
  end;
  update public.payment_events as e
     set processed_at = case when v_error is null then private.clock() end,
         error = coalesce(v_error, 'M0002 given up: nobody has the subscription ' || v_ignored),
         body = case when v_error is null and v_ignored is not null then '' else e.body end
   where e.id = v_event.id;
  perform private.own_event(v_event.id);
  if v_error is not null then
    return jsonb_build_object('outcome', 'failed', 'error', v_error, 'is_late', v_is_late);
  elsif v_ignored is not null then
    return jsonb_build_object(
      'outcome', 'ignored',
      'error', 'M0002 nobody has the subscription ' || v_ignored,
      'is_alarm', v_is_alarm,
      'outgoing', v_outgoing
    );
  end if;
  return jsonb_build_object('outcome', 'applied', 'outgoing', v_outgoing);
end
$$;

revoke all on function public.record_payment_event from public, anon, authenticated, service_role;
grant execute on function public.record_payment_event to bot_backend;
comment on function public.record_payment_event is 'Keeps what a payment provider told us and applies it';
