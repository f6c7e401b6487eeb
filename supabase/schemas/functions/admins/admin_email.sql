-- Returns the e-mail address under which a user acts as an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   email: text | null       (null: not an admin)
-- Errors: none.
create or replace function public.admin_email(p_user_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('email', (
    select a.email
      from public.users as u
      join private.admin_accounts() as a on a.telegram_id = u.telegram_id
     where u.id = p_user_id and u.is_admin
     order by a.email
     limit 1
  ));
$$;

revoke all on function public.admin_email from public, anon, authenticated, service_role;
grant execute on function public.admin_email to bot_backend;
comment on function public.admin_email is 'The e-mail address under which a user acts as an admin';
