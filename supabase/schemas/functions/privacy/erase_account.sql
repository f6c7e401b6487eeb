-- Erases a user who asked for it on the site, as /deleteme does in a chat (private.erase_user).
--
-- p_hash: the key of the tombstone in erased_users. p_balance: the balance that the user agreed to lose.
--
-- Concurrency: the user is locked exclusively first, as finish_update does: every other change of the user's data is committed,
--   or will find no user. Of two calls one erases.
-- Locks: user (FOR UPDATE), then as private.erase_user.
-- Returns: jsonb
--   outcome: 'erased' | 'unknown'
-- Errors: Y0001, the balance is higher than the user agreed to lose; Y0002, a renewal is running.
create or replace function public.erase_account(p_user_id bigint, p_hash text, p_balance numeric)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
begin
  perform from public.users as u where u.id = p_user_id for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  -- No update asked for it, so none keeps its answer.
  v_update.user_id := p_user_id;
  perform private.erase_user(v_update, jsonb_build_object('hash', p_hash, 'balance', p_balance));
  return jsonb_build_object('outcome', 'erased');
end
$$;

revoke all on function public.erase_account from public, anon, authenticated, service_role;
grant execute on function public.erase_account to bot_backend;
comment on function public.erase_account is 'Erases a user who asked for it on the site';
