-- Returns which events of a page of a provider's statement must be recorded. p_events: [{key, events}], the payment events of
-- each webhook event that should have reported them.
--
-- Concurrency: read-only. An event that is recorded in between is recorded twice, which changes nothing.
-- Locks: none.
-- Returns: jsonb
--   { [text]: 'known'      (by event key; nothing to do)
--     | 'missing'          (to be recorded under its key)
--     | 'changed'          (recorded, but undone, or its fee named, since)
--     | 'foreign'          (about nothing of ours)
--   }
-- Errors: none.
create or replace function public.check_statement(p_provider text, p_events jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(e.value ->> 'key', s.state), '{}'::jsonb)
    from jsonb_array_elements(p_events) as e (value)
    cross join lateral (
      select coalesce(
          (
            array_agg(t.state order by array_position(array['missing', 'changed', 'foreign', 'known'], t.state))
          )[1],
          'known'
        ) as state
        from jsonb_array_elements(e.value -> 'events') as n (value)
        cross join lateral private.listed_event_state(p_provider, n.value) as t (state)
    ) as s;
$$;

revoke all on function public.check_statement from public, anon, authenticated, service_role;
grant execute on function public.check_statement to bot_backend;
comment on function public.check_statement is 'Returns which events of a provider''s statement must be recorded';
