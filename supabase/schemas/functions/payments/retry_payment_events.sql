-- Applies stored events of the last seven days that could not be applied when they arrived.
--
-- Concurrency: events that another transaction has locked are skipped, and applying an event twice changes nothing. The users
--   are locked before the event, as everywhere; their erasure may have emptied the event in between, so it is read again.
-- Locks: for each event: users by id (KEY SHARE) and discounts, event (FOR UPDATE SKIP LOCKED), then as
--   public.record_payment_event.
-- Returns: jsonb
--   applied: int
--   failed: int
--   ignored: int           (given up with an alarm)
--   outgoing: outgoing
-- Errors: those of public.record_payment_event.
create or replace function public.retry_payment_events(p_limit integer default 50, p_accept_test boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_event public.payment_events;
  v_result jsonb;
  v_applied integer := 0;
  v_failed integer := 0;
  v_ignored integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_event in
    select e.*
      from public.payment_events as e
     where e.processed_at is null
       and e.received_at > private.clock() - interval '7 days'
     order by e.received_at
     limit p_limit
  loop
    perform private.lock_payers(v_event.provider, v_event.events);
    select e.* into v_event
      from public.payment_events as e
     where e.id = v_event.id and e.processed_at is null
       for update skip locked;
    continue when not found;
    v_result := public.record_payment_event(
      v_event.provider, v_event.event_key, v_event.type, v_event.body, v_event.events, p_accept_test
    );
    v_applied := v_applied + (v_result ->> 'outcome' = 'applied')::integer;
    v_failed := v_failed + (v_result ->> 'outcome' = 'failed')::integer;
    v_ignored := v_ignored + coalesce((v_result ->> 'is_alarm')::boolean, false)::integer;
    v_outgoing := v_outgoing || coalesce(v_result -> 'outgoing', '[]');
  end loop;
  return jsonb_build_object(
    'applied', v_applied, 'failed', v_failed, 'ignored', v_ignored, 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.retry_payment_events from public, anon, authenticated, service_role;
grant execute on function public.retry_payment_events to bot_backend;
comment on function public.retry_payment_events is 'Applies stored events that could not be applied when they arrived';
