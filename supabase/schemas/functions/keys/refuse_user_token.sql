-- Notes that a provider refused a person's own key: it is used no more, and requests go to the plan again.
--
-- Twice or at once: only the very key that was refused is marked. One that took its place meanwhile, or was
--   encrypted anew, is left alone: if that one is no good either, its own refusal says so.
-- Returns: jsonb {outcome: refused | unknown}. p_ciphertext is base64, as receive_update gave it.
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
comment on function public.refuse_user_token is 'Notes that a provider refused a person''s own key';
