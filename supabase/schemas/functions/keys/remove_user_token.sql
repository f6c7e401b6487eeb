-- Deletes a user's API key of a provider. If it was in use, requests use the plan again.
--
-- Concurrency: idempotent.
-- Locks: the key's row.
-- Returns: jsonb
--   outcome: 'removed' | 'unknown'
-- Errors: none.
create or replace function public.remove_user_token(p_user_id bigint, p_provider text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider;
  return jsonb_build_object('outcome', case when found then 'removed' else 'unknown' end);
end
$$;

revoke all on function public.remove_user_token from public, anon, authenticated, service_role;
grant execute on function public.remove_user_token to bot_backend;
comment on function public.remove_user_token is 'Deletes a user API key';
