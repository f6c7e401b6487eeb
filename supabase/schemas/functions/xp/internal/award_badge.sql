-- Awards a badge to a user, once per badge and bot (public.award_badge for other SQL functions). A badge that was revoked
-- stays revoked.
--
-- Concurrency: of several calls at once the primary key of user_badges lets one insert.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true once: when the user receives the badge now.
-- Errors: Z0002 the name of the badge, the bot or the metadata are invalid; Z0004 no such user.
create or replace function private.award_badge(
  p_user_id bigint, p_bot text, p_badge text, p_metadata jsonb default '{}'
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_bot, ' ') !~ '^([a-z][a-z0-9_]{0,31})?$' or coalesce(p_badge, '') !~ '^[a-z][a-z0-9_]{0,63}$'
    or coalesce(jsonb_typeof(p_metadata), '') <> 'object' or octet_length(p_metadata::text) > 4000
  then
    raise exception 'the badge, the bot or the metadata are invalid' using errcode = 'Z0002';
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.user_badges (user_id, badge, bot, metadata)
  values (p_user_id, p_badge, p_bot, p_metadata)
  on conflict (user_id, badge, bot) do nothing;
  return found;
end
$$;

revoke all on function private.award_badge from public, anon, authenticated, service_role;
comment on function private.award_badge is 'Awards a badge to a user, once';
