-- Lists a user's API keys without the key and its ciphertext, the oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     provider: text, last_four: text, key_id: text, status: 'ok' | 'refused', is_active: boolean,
--     created_at: timestamptz, checked_at: timestamptz | null
--   } ]                    (oldest first)
-- Errors: none.
create or replace function public.list_user_tokens(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'provider', t.provider,
        'last_four', t.last_four,
        'key_id', t.key_id,
        'status', t.status,
        'is_active', t.is_active,
        'created_at', t.created_at,
        'checked_at', t.checked_at
      )
      order by t.created_at, t.id
    ),
    '[]'::jsonb
  )
  from public.user_tokens as t
  where t.user_id = p_user_id;
$$;

revoke all on function public.list_user_tokens from public, anon, authenticated, service_role;
grant execute on function public.list_user_tokens to bot_backend;
comment on function public.list_user_tokens is 'Lists a user''s API keys without the key itself';
