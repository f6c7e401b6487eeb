-- Trigger of users: ends a user's sessions of the console with a ban, and whenever admin rights come or go, so that no session
-- outlives the rights it was opened with.
--
-- Concurrency: a session that is opened at the same time waits for the user's row (private.open_user_session).
-- Locks: sessions of the user.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.end_sessions()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.user_sessions as s where s.user_id = new.id;
  return null;
end
$$;

revoke all on function private.end_sessions from public, anon, authenticated, service_role;
comment on function private.end_sessions is 'Ends a user''s sessions with a ban and with a change of admin rights';
