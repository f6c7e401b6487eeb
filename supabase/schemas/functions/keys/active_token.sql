-- Returns the user API key that a user's requests use.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   provider: text         (null instead of all of it: requests go to the plan)
--   key_id: text
--   ciphertext: text       (base64)
-- Errors: none.
create or replace function private.active_token(p_user_id bigint)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'provider', t.provider,
      'key_id', t.key_id,
      'ciphertext', translate(encode(t.ciphertext, 'base64'), E'\n', '')
    )
    from public.user_tokens as t
    where t.user_id = p_user_id and t.is_active
  );
end
$$;

revoke all on function private.active_token from public, anon, authenticated, service_role;
comment on function private.active_token is 'Returns the user API key that a user''s requests use';
