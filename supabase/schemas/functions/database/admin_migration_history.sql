-- Returns for an admin the runs of the database tool, newest first (private.migration_history).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, as private.migration_history returns it.
-- Errors: N0001 not an admin.
create or replace function public.admin_migration_history(p_admin_email text, p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return private.migration_history(p_limit);
end
$$;

revoke all on function public.admin_migration_history from public, anon, authenticated, service_role;
grant execute on function public.admin_migration_history to bot_backend, service_role;
comment on function public.admin_migration_history is 'Returns the runs of the database tool with their steps';
