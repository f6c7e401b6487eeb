-- Applies events that were kept and could not be applied when they came.
--
-- Twice or at once: events that somebody holds are skipped; applying twice changes nothing. Before an event its people
--   are held, as everywhere; their erasure may have emptied it meanwhile.
-- Returns: jsonb {applied, failed, ignored, outgoing}: how many were applied, failed or given up with an alarm, and the
--   outbox items to deliver now.
-- Errors: none of its own.
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
comment on function public.retry_payment_events is 'Applies payment events that could not be applied when they came';
