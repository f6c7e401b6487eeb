-- Erases a user whom a restored backup brought back: they were erased after the backup was taken. Renewals are ended first,
-- because they ended with the first erasure; a balance is booked out, to which the user agreed then.
--
-- p_hash: the key of the tombstone in erased_users; null where only the number is known, then the tombstone matches no user.
--
-- Concurrency: the user's row is locked. A user who is not there is erased already.
-- Locks: the user, then as private.erase_user.
-- Returns: boolean, whether there was a user to erase
-- Errors: none.
create or replace function private.erase_restored_user(p_user_id bigint, p_hash text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_update public.telegram_updates;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for update;
  if not found then
    return false;
  end if;
  update public.renewals as r
     set status = 'ended', ended_at = private.clock(), saved_method = null, charge_at = null
   where r.user_id = p_user_id and r.status in ('active', 'past_due');
  v_update.user_id := p_user_id;
  perform private.erase_user(
    v_update,
    jsonb_build_object(
      'hash', coalesce(p_hash, encode(sha256(gen_random_uuid()::text::bytea), 'hex')), 'balance', v_user.balance
    )
  );
  return true;
end
$$;

revoke all on function private.erase_restored_user from public, anon, authenticated, service_role;
comment on function private.erase_restored_user is 'Erases a user whom a restored backup brought back';
