-- Sets how a user appears on boards: the display name (null: a number instead) and whether lists leave the user out.
--
-- Concurrency: the user's row is locked, as for awards; the last call wins.
-- Locks: user (NO KEY UPDATE), board_profiles, the user's rows of board_scores.
-- Returns: jsonb
--   outcome: 'saved' | 'invalid_name'   (invalid: longer than 32 characters, without a letter, or with a link or an @name)
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
    and v_name !~* '[[:cntrl:]@]|://|www\.|t\.me|[a-zа-я0-9]\.(ru|com|net|org|io|me|info|рф)\M'
    -- No invisible characters, and none that turn the direction of the text.
    and v_name !~ '[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]'
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
