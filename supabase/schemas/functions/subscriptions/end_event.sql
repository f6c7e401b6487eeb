-- Returns the event of sequences that the end of a subscription is.
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.end_event(p_source text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_source when 'trial' then 'trial_ended' else 'plan_ended' end;
$$;

revoke all on function private.end_event from public, anon, authenticated, service_role;
comment on function private.end_event is 'The event of sequences that the end of a subscription is';
