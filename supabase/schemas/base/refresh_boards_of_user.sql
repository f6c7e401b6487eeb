-- Trigger of users: takes a user off the boards with a ban or when they become an admin, and puts them back after it.
--
-- Concurrency: see private.refresh_board_scores; the user's row is locked by its update.
-- Locks: the user's rows of board_scores.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.refresh_boards_of_user()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.refresh_board_scores(new.id);
  return null;
end
$$;

revoke all on function private.refresh_boards_of_user from public, anon, authenticated, service_role;
comment on function private.refresh_boards_of_user is 'Takes a user off the boards or puts them back';
