-- Sets how a user appears on boards: the display name (null: a number instead) and whether lists leave the user out.
--
-- Concurrency: the user's row is locked, as for awards; the last call wins.
-- Locks: user (NO KEY UPDATE), board_profiles, the user's rows of board_scores.
-- Returns: jsonb
--   outcome: 'saved' | 'invalid_name'   (invalid: longer than 32 characters, without a letter, with a link or an @name, or
--     with characters that are invisible or that cover other lines)
--   name: text | null
--   is_hidden: boolean
--   number: int
-- Errors: Z0004, no such user.
create or replace function public.set_board_profile(p_user_id bigint, p_name text, p_is_hidden boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := nullif(trim(regexp_replace(p_name, '\s+', ' ', 'g')), '');
  v_is_valid constant boolean := v_name is null or (
    length(v_name) <= 32
    and v_name ~ '[[:alpha:]]'
    and v_name !~* '[[:cntrl:]@]|://|www\.|t\.me|[a-zа-я0-9]\.(ru|com|net|org|io|me|info|рф|su|ua|by|kz|uz|de|uk|eu|us|to)\M'
    and v_name !~* '[a-z0-9]\.(ly|gg|cc|tv|co|ai|biz|xyz|app|dev|pro|top|club|site|shop|store|link|live|online|space|click)\M'
    -- No invisible characters, those that count as letters included, and none that turn the direction of the text.
    and v_name !~ '[\u00ad\u034f\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]'
    -- No heaps of marks, which cover the lines above and below; a letter has at most two.
    and v_name !~ '[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3}'
  );
  v_profile public.board_profiles;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  if v_is_valid then
    insert into public.board_profiles (user_id, name, is_hidden)
    values (p_user_id, v_name, coalesce(p_is_hidden, false))
    on conflict (user_id) do update set name = excluded.name, is_hidden = excluded.is_hidden;
    perform private.refresh_board_scores(p_user_id);
  end if;
  select p.* into v_profile from public.board_profiles as p where p.user_id = p_user_id;
  return jsonb_build_object(
    'outcome', case when v_is_valid then 'saved' else 'invalid_name' end,
    'name', v_profile.name,
    'is_hidden', coalesce(v_profile.is_hidden, false),
    'number', private.board_number(p_user_id)
  );
end
$$;

revoke all on function public.set_board_profile from public, anon, authenticated, service_role;
grant execute on function public.set_board_profile to bot_backend;
comment on function public.set_board_profile is 'Sets how a user appears on boards';
