-- Holds the person of an update until the transaction ends, so that nobody erases them in between. Of a person
-- who was erased since the update came, the update itself is stripped.
--
-- Twice or at once: the caller holds the update's row, and asks before it touches anything of the person. An
--   erasure waits for everybody who holds the person, and passes over the rows of those who wait for it; they
--   strip their own here. So nothing of a person is left, whichever comes first, and nobody waits in a circle.
-- Returns: whether there still is such a person; true for an update that belongs to nobody.
--   p_alone: keep everybody else out, too (for the erasure itself).
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
comment on function private.lock_user is 'Holds the person of an update until the transaction ends';
