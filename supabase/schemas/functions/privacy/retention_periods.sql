-- Tells how long what is kept of people.
--
-- Twice or at once: only reads.
-- Returns: jsonb {updates_hours, dead_letters_days, messages_days, usage_months, …}: every setting retention_….
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
comment on function public.retention_periods is 'How long what is kept of people';
