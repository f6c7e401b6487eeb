-- Locks a user's streak, creates its row if needed, and returns it as it is now (private.settled_streak).
--
-- Concurrency: the user's row is locked first, as for awards.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.streaks
-- Errors: Z0004, no such user.
create or replace function private.lock_streak(p_user_id bigint)
returns public.streaks
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.streaks (user_id) values (p_user_id) on conflict (user_id) do nothing;
  select s.* into v_streak from public.streaks as s where s.user_id = p_user_id;
  return private.settled_streak(v_streak, private.clock());
end
$$;

revoke all on function private.lock_streak from public, anon, authenticated, service_role;
comment on function private.lock_streak is 'Locks a user''s streak and returns it as it is now';
