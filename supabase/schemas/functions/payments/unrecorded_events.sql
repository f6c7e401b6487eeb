-- Returns which of these event keys (p_keys: a list) have no event of the provider.
--
-- Concurrency: read-only. An event that arrives in between is recorded twice, which changes nothing.
-- Locks: none.
-- Returns: jsonb
--   [ text ]               (event keys)
-- Errors: none.
create or replace function public.unrecorded_events(p_provider text, p_keys jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(k.value), '[]'::jsonb)
    from jsonb_array_elements_text(p_keys) as k (value)
   where not exists (
     select from public.payment_events as e where e.provider = p_provider and e.event_key = k.value
   );
$$;

revoke all on function public.unrecorded_events from public, anon, authenticated, service_role;
grant execute on function public.unrecorded_events to bot_backend;
comment on function public.unrecorded_events is 'Returns which event keys have no event';
