-- Active user token.

-- Returns the user API key that a user's requests use, for an update that was received without asking for the AI.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { key: private.active_token | null }    (null: requests go to the plan)
-- Errors: none.
create or replace function public.active_user_token(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('key', private.active_token(p_user_id));
$$;

revoke all on function public.active_user_token from public, anon, authenticated, service_role;
grant execute on function public.active_user_token to bot_backend;
comment on function public.active_user_token is 'Returns the user API key that a user''s requests use';
