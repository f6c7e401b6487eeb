-- Chooses which of a person's own keys is used from now on; without a provider none is, and requests go to the
-- plan. A key that its provider refused may be chosen, too: the person may have mended it there.
--
-- Twice or at once: the person's row is locked, so one key is in use at most, the one chosen last.
-- Returns: jsonb {outcome: chosen | unknown}; unknown changes nothing.
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
comment on function public.use_user_token is 'Chooses which own key of a person is used';
