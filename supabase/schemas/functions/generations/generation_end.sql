-- Returns when a job that ended at p_now is deleted with its files (setting retention_generations_days).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.generation_end(p_now timestamptz)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_now + make_interval(days => private.setting('retention_generations_days')::integer);
$$;

revoke all on function private.generation_end from public, anon, authenticated, service_role;
comment on function private.generation_end is 'When a job that ended is deleted';
