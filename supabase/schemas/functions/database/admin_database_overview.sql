-- Returns for an admin how this database stands (private.database_overview).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, as private.database_overview returns it.
-- Errors: N0001 not an admin.
create or replace function public.admin_database_overview(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return private.database_overview();
end
$$;

revoke all on function public.admin_database_overview from public, anon, authenticated, service_role;
grant execute on function public.admin_database_overview to bot_backend, service_role;
comment on function public.admin_database_overview is 'Returns how this database stands: version, newest run, backups';
