-- Chooses which of a user's API keys is used from now on; without p_provider none, and requests use the plan. A key
-- that its provider rejected may be chosen too: the user may have repaired it there.
--
-- Concurrency: the user's row is locked, so at most one key is in use, the one chosen last.
-- Locks: user (NO KEY UPDATE), then the user's keys.
-- Returns: jsonb
--   outcome: 'chosen' | 'unknown'             (unknown changes nothing)
-- Errors: none.
create or replace function public.use_user_token(p_user_id bigint, p_provider text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if p_provider is not null and not exists (
    select from public.user_tokens as t where t.user_id = p_user_id and t.provider = p_provider
  ) then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  update public.user_tokens as t set is_active = false where t.user_id = p_user_id and t.is_active;
  update public.user_tokens as t
     set is_active = true, status = 'ok'
   where t.user_id = p_user_id and t.provider = p_provider;
  return jsonb_build_object('outcome', 'chosen');
end
$$;

revoke all on function public.use_user_token from public, anon, authenticated, service_role;
grant execute on function public.use_user_token to bot_backend;
comment on function public.use_user_token is 'Chooses which API key of a user is used';
