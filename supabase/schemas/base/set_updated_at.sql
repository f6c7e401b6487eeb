-- Trigger: sets updated_at of the row that is being stored.
--
-- Concurrency: changes only the row that is being stored.
-- Locks: none.
-- Returns: trigger, the row.
-- Errors: none.
create or replace function private.set_updated_at()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := private.clock();
  return new;
end
$$;

revoke all on function private.set_updated_at from public, anon, authenticated, service_role;
comment on function private.set_updated_at is 'Sets updated_at of the row that is being stored';
