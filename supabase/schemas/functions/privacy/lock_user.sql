-- Locks the user of an update against concurrent erasure (KEY SHARE) until the transaction ends; with p_alone
-- exclusively, for the erasure itself. If the user was erased since the update was received, anonymizes the update.
--
-- Concurrency: the caller holds the update row and calls this before it changes anything of the user. An erasure
--   waits for every transaction that has locked the user, and skips locked update rows; their workers anonymize them
--   here. So no data of the user remain, whichever comes first, and there is no deadlock.
-- Locks: user (KEY SHARE, with p_alone FOR UPDATE), after the update row that the caller holds.
-- Returns: boolean, whether the user still exists; true for an update without a user.
-- Errors: none.
create or replace function private.lock_user(p_update public.telegram_updates, p_alone boolean default false)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_update.user_id is null then
    return true;
  elsif p_alone then
    perform from public.users as u where u.id = p_update.user_id for update;
  else
    perform from public.users as u where u.id = p_update.user_id for key share;
  end if;
  if found then
    return true;
  end if;
  perform private.anonymize_update(p_update.bot, p_update.update_id);
  return false;
end
$$;

revoke all on function private.lock_user from public, anon, authenticated, service_role;
comment on function private.lock_user is 'Locks the user of an update until the transaction ends';
