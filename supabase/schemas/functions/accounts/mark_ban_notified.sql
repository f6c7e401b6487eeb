-- Notes that a banned person is being told of it.
--
-- Twice or at once: the row is locked, so of two updates at once one tells.
-- Returns: whether the notice is this caller's to give: false when it was given, or the ban is over.
-- Errors: none.
create or replace function private.mark_ban_notified(p_user_id bigint)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users as u
     set ban_notified = true
   where u.id = p_user_id and u.banned_at is not null and not u.ban_notified;
  return found;
end
$$;

revoke all on function private.mark_ban_notified from public, anon, authenticated, service_role;
comment on function private.mark_ban_notified is 'Notes that a banned person is being told of it';
