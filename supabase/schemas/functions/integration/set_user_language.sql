-- Sets the language that all bots speak with a user; null: the language of the user's Telegram client. Bots that do
-- not speak it use the nearest one they do.
--
-- Concurrency: repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   ...private.user_card
-- Errors: L0001 no Telegram user can have this id; S0001 the language is invalid; 40001 the user was erased at this
--   moment (retry).
create or replace function public.set_user_language(p_telegram_id bigint, p_language text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  if not private.is_language_tag(p_language) then
    raise exception 'the language must be a tag such as en or pt-BR' using errcode = 'S0001';
  end if;
  v_user := private.find_or_create_user(p_telegram_id);
  update public.users as u set language = p_language where u.id = v_user.id
  returning u.* into v_user;
  return private.user_card(v_user);
end
$$;

revoke all on function public.set_user_language from public, anon, authenticated, service_role;
grant execute on function public.set_user_language to bot_backend, service_role;
comment on function public.set_user_language is 'Sets the language that all bots speak with a user';
