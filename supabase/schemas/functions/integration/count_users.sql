-- Counts the users of all bots and services.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   users: bigint
--   started: bigint        (have written to a bot)
--   paid: bigint           (have a paid plan, or are admins)
--   banned: bigint
-- Errors: none.
create or replace function public.count_users()
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'users', count(*),
      'started', count(*) filter (where u.has_started),
      'paid', count(*) filter (where u.is_paid),
      'banned', count(*) filter (where u.banned_at is not null)
    )
    from public.users as u;
$$;

revoke all on function public.count_users from public, anon, authenticated, service_role;
grant execute on function public.count_users to bot_backend, service_role;
comment on function public.count_users is 'Counts the users of all bots and services';
