-- Finds a user by Telegram id, or creates one whom no bot has seen yet, and stores the names that are given. A null
-- keeps what is stored. A bot's next update stores Telegram's names again.
--
-- Concurrency: two calls that create the same user meet in the unique telegram_id and get the one row; one of them
--   reports created. Repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   user: private.user_card
--   created: boolean
-- Errors: L0001 no Telegram user can have this id; S0001 a name or the language is invalid; 40001 the user was erased
--   at this moment (retry).
create or replace function public.get_or_create_user(
  p_telegram_id bigint,
  p_username text default null,
  p_first_name text default null,
  p_last_name text default null,
  p_language_code text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_latest bigint;
begin
  if p_username !~ '^[A-Za-z0-9_]{1,64}$' then
    raise exception 'the user name must have 1 to 64 letters, digits and underscores, without @' using errcode = 'S0001';
  elsif greatest(length(p_first_name), length(p_last_name)) > 64 then
    raise exception 'a name must have at most 64 characters' using errcode = 'S0001';
  elsif not private.is_language_tag(p_language_code) then
    raise exception 'the language must be a tag such as en or pt-BR' using errcode = 'S0001';
  end if;
  select max(u.id) into v_latest from public.users as u where u.telegram_id = p_telegram_id;
  v_user := private.find_or_create_user(p_telegram_id);
  if (coalesce(p_username, v_user.username), coalesce(p_first_name, v_user.first_name),
      coalesce(p_last_name, v_user.last_name), coalesce(p_language_code, v_user.language_code))
    is distinct from (v_user.username, v_user.first_name, v_user.last_name, v_user.language_code)
  then
    update public.users as u
       set username = coalesce(p_username, u.username),
           first_name = coalesce(p_first_name, u.first_name),
           last_name = coalesce(p_last_name, u.last_name),
           language_code = coalesce(p_language_code, u.language_code)
     where u.id = v_user.id
    returning u.* into v_user;
  end if;
  return jsonb_build_object('user', private.user_card(v_user), 'created', v_latest is null);
end
$$;

revoke all on function public.get_or_create_user from public, anon, authenticated, service_role;
grant execute on function public.get_or_create_user to bot_backend, service_role;
comment on function public.get_or_create_user is 'Finds a user by Telegram id, or creates one';
