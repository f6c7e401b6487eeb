-- Stores a webhook event of a payment provider and applies its payment events. If applying fails, the event is stored with its
-- error, and the provider is asked to repeat it for a day; then it is retried from here (public.retry_payment_events). An event
-- of a subscription that no user has (another shop may share the account) is given up after a day: its other payment events are
-- applied, its body is deleted, and the admins are alerted once per subscription. Later events of that subscription are given
-- up at once.
--
-- Concurrency: the event is unique and its row locked, so a repeated event returns known. Applying runs in a subtransaction:
--   its failure rolls back and leaves the stored event. Deadlocks, lock timeouts and other retryable errors are not stored as
--   the event's error: they end the whole call, which the caller repeats. The users are locked before anything else, so an
--   erasure, which locks the user exclusively first, cannot deadlock with it.
-- Locks: users by id (KEY SHARE), discounts of the orders, event, then for each payment event as private.settle_payment:
--   payment, order, renewal, users by id (NO KEY UPDATE, which does not conflict with KEY SHARE); last, unmatched payments
--   (SKIP LOCKED).
-- Returns: jsonb
--   outcome: 'applied'
--     | 'known'            (applied or given up before)
--     | 'ignored'          (given up)
--     | 'failed'           (the provider must repeat it, unless is_late)
--   outgoing?: outgoing    (applied, ignored)
--   error?: text           (ignored, failed)
--   is_alarm?: boolean     (ignored: the first event of its subscription)
--   is_late?: boolean      (known, failed: first received at least a day ago, so it is retried from here)
-- Errors: none of its own. Retryable errors (classes 40, 53, 55 and 57, private.is_retryable) store nothing.
create or replace function public.record_payment_event(
  p_provider text,
  p_event_key text,
  p_type text,
  p_body text,
  p_events jsonb,
  p_accept_test boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_stored public.payment_events;
  v_event jsonb;
  v_outgoing jsonb := '[]'::jsonb;
  v_error text;
  v_is_late boolean;
  v_ignored text;
  v_is_alarm boolean := false;
begin
  perform private.lock_payers(p_provider, p_events);
  insert into public.payment_events as e (provider, event_key, type, body, events)
  values (p_provider, p_event_key, p_type, p_body, p_events)
  on conflict (provider, event_key) do update
    set attempts = e.attempts + 1
  returning e.* into v_stored;
  v_is_late := v_stored.received_at <= private.clock() - interval '1 day';
  if v_stored.processed_at is not null then
    return jsonb_build_object('outcome', 'known') || case when v_is_late then '{"is_late": true}' else '{}' end::jsonb;
  end if;

  begin
    for v_event in select n.value from jsonb_array_elements(p_events) as n (value)
    loop
      begin
        v_outgoing := v_outgoing || private.apply_payment_event(p_provider, v_event, p_accept_test);
      exception when sqlstate 'M0002' then
        v_ignored := v_event ->> 'subscription_id';
        if not private.is_subscription_ignored(p_provider, v_ignored) then
          if not v_is_late then
            raise;
          end if;
          v_is_alarm := true;
          v_outgoing := v_outgoing || private.alarm_subscription_problem(p_provider, v_ignored, 'unknown');
        end if;
      end;
    end loop;
    v_outgoing := v_outgoing || private.settle_unmatched_payments(p_accept_test);
  exception when others then
    if private.is_retryable(sqlstate) then
      raise;
    end if;
    get stacked diagnostics v_error = message_text;
    v_error := sqlstate || ' ' || v_error;
  end;
  update public.payment_events as e
     set processed_at = case when v_error is null then private.clock() end,
         error = coalesce(v_error, 'M0002 given up: no user has the subscription ' || v_ignored),
         body = case when v_error is null and v_ignored is not null then '' else e.body end
   where e.id = v_stored.id;
  perform private.link_event_to_users(v_stored.id);
  if v_error is not null then
    return jsonb_build_object('outcome', 'failed', 'error', v_error, 'is_late', v_is_late);
  elsif v_ignored is not null then
    return jsonb_build_object(
      'outcome', 'ignored',
      'error', 'M0002 no user has the subscription ' || v_ignored,
      'is_alarm', v_is_alarm,
      'outgoing', v_outgoing
    );
  end if;
  return jsonb_build_object('outcome', 'applied', 'outgoing', v_outgoing);
end
$$;

revoke all on function public.record_payment_event from public, anon, authenticated, service_role;
grant execute on function public.record_payment_event to bot_backend;
comment on function public.record_payment_event is 'Stores a webhook event of a payment provider and applies it';
