-- Returns for an owner what the page of the database shows: how it stands, its health, and the last runs of the database tool.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   overview: private.database_overview
--   health: public.admin_health
--   history: private.migration_history
-- Errors: N0009 the role does not allow it.
create or replace function public.owner_database(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text;
begin
  perform private.require_staff(p_actor_id, 'owner');
  select a.email into v_email
    from public.admins as a
    join public.users as u on u.telegram_id = a.telegram_id
   where u.id = p_actor_id;
  return jsonb_build_object(
    'overview', public.admin_database_overview(v_email),
    'health', public.admin_health(v_email),
    'history', public.admin_migration_history(v_email, 20)
  );
end
$$;

revoke all on function public.owner_database from public, anon, authenticated, service_role;
grant execute on function public.owner_database to bot_backend;
comment on function public.owner_database is 'Returns what the page of the database shows';
