-- Stores a user's API key of an AI provider, already encrypted, and uses it from now on. It replaces an earlier key
-- of this provider. p_ciphertext is base64; p_is_checked: the provider accepted the key.
--
-- Concurrency: the user's row is locked: of two keys stored at once both are kept and one is in use, or the later one
--   where they are of one provider. A repeated call stores the same key.
-- Locks: user (NO KEY UPDATE), then the user's keys.
-- Returns: jsonb
--   outcome: 'stored' | 'replaced'
-- Errors: K0001 no such user; K0002 the values cannot be a key.
create or replace function public.store_user_token(
  p_user_id bigint,
  p_provider text,
  p_ciphertext text,
  p_key_id text,
  p_last_four text,
  p_is_checked boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_is_known boolean;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'K0001';
  end if;
  v_is_known := exists (
    select from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider
  );
  update public.user_tokens as t set is_active = false where t.user_id = p_user_id and t.is_active;
  insert into public.user_tokens as t
    (user_id, provider, ciphertext, key_id, last_four, is_active, status, created_at, checked_at)
  values (
    p_user_id, p_provider, decode(p_ciphertext, 'base64'), p_key_id, p_last_four, true, 'ok', v_now,
    case when p_is_checked then v_now end
  )
  on conflict (user_id, provider) do update
    set ciphertext = excluded.ciphertext,
        key_id = excluded.key_id,
        last_four = excluded.last_four,
        is_active = true,
        status = 'ok',
        created_at = excluded.created_at,
        checked_at = excluded.checked_at;
  return jsonb_build_object('outcome', case when v_is_known then 'replaced' else 'stored' end);
exception when check_violation or not_null_violation or invalid_parameter_value then
  -- Not Postgres' own message, because it quotes the row.
  raise exception 'the values cannot be a key' using errcode = 'K0002';
end
$$;

revoke all on function public.store_user_token from public, anon, authenticated, service_role;
grant execute on function public.store_user_token to bot_backend;
comment on function public.store_user_token is 'Stores a user API key, encrypted, and uses it';
