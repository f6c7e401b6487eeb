-- Returns how long data about users are kept: every setting retention_….
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { [text]: int }        (every setting retention_…, without that prefix)
-- Errors: none.
create or replace function public.retention_periods()
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(substr(s.key, length('retention_') + 1), s.value)
    from private.settings as s
   where starts_with(s.key, 'retention_');
$$;

revoke all on function public.retention_periods from public, anon, authenticated, service_role;
grant execute on function public.retention_periods to bot_backend;
comment on function public.retention_periods is 'Returns how long data about users are kept';
