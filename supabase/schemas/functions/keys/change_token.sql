-- Applies what a handler changed about a user's API keys.
--
-- p_change is one of {store: {provider, ciphertext, key_id, last_four, is_checked}}, {remove: provider}, {use:
-- provider or null}, {refuse: {provider, ciphertext}}.
--
-- Concurrency: as the function it calls; the caller holds the update row and calls once.
-- Locks: as the function it calls.
-- Returns: void
-- Errors: K0001 and K0002, see public.store_user_token.
create or replace function private.change_token(p_user_id bigint, p_change jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_new jsonb := p_change -> 'store';
  v_refused jsonb := p_change -> 'refuse';
begin
  if v_new is not null then
    perform public.store_user_token(
      p_user_id, v_new ->> 'provider', v_new ->> 'ciphertext', v_new ->> 'key_id', v_new ->> 'last_four',
      coalesce((v_new ->> 'is_checked')::boolean, false)
    );
  elsif v_refused is not null then
    perform public.refuse_user_token(p_user_id, v_refused ->> 'provider', v_refused ->> 'ciphertext');
  elsif p_change ? 'remove' then
    perform public.remove_user_token(p_user_id, p_change ->> 'remove');
  elsif p_change ? 'use' then
    perform public.use_user_token(p_user_id, p_change ->> 'use');
  end if;
end
$$;

revoke all on function private.change_token from public, anon, authenticated, service_role;
comment on function private.change_token is 'Applies what a handler changed about a user''s API keys';
