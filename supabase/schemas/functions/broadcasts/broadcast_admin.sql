-- Checks that a user may send broadcasts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the e-mail address for the audit log.
-- Errors: N0001 not an admin.
create or replace function private.broadcast_admin(p_actor_id bigint)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text;
begin
  select a.email
    into v_email
    from public.users as u
    join public.admins as a on a.telegram_id = u.telegram_id
   where u.id = p_actor_id and u.is_admin and u.banned_at is null
   order by a.email
   limit 1;
  if not found then
    raise exception 'not an admin' using errcode = 'N0001';
  end if;
  return v_email;
end
$$;

revoke all on function private.broadcast_admin from public, anon, authenticated, service_role;
comment on function private.broadcast_admin is 'Checks that a user may send broadcasts';
