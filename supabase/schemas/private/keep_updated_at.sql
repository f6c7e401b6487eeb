-- Writes down when a row was last changed.
--
-- Twice or at once: changes the row that is being stored, nothing else.
-- Returns: the row.
-- Errors: none.
create or replace function private.keep_updated_at()
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

revoke all on function private.keep_updated_at from public, anon, authenticated, service_role;
comment on function private.keep_updated_at is 'Writes down when a row was last changed';
