-- Records that a banned user gets the notice of the ban.
--
-- Concurrency: the row is locked, so of two updates at once one sends the notice.
-- Locks: user.
-- Returns: boolean, whether the caller sends the notice; false when it was sent before or the ban is over.
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
comment on function private.mark_ban_notified is 'Records that a banned user gets the notice of the ban';
