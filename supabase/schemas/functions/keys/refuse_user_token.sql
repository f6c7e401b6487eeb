-- Records that a provider rejected a user API key: it is not used any more, and requests use the plan again.
-- p_ciphertext is base64, as public.receive_update returned it.
--
-- Concurrency: only the key that was rejected is marked. A key that replaced it meanwhile, or was encrypted again, is
--   left alone; if it is invalid too, its own rejection follows.
-- Locks: the key's row.
-- Returns: jsonb
--   outcome: 'refused' | 'unknown'
-- Errors: none.
create or replace function public.refuse_user_token(p_user_id bigint, p_provider text, p_ciphertext text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.user_tokens as t
     set status = 'refused', is_active = false
   where t.user_id = p_user_id and t.provider = p_provider and t.ciphertext = decode(p_ciphertext, 'base64');
  return jsonb_build_object('outcome', case when found then 'refused' else 'unknown' end);
end
$$;

revoke all on function public.refuse_user_token from public, anon, authenticated, service_role;
grant execute on function public.refuse_user_token to bot_backend;
comment on function public.refuse_user_token is 'Records that a provider rejected a user API key';
