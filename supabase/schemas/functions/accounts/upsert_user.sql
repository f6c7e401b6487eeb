-- Finds the user of a Telegram account, or creates it, and stores what Telegram reports about the account now.
-- p_telegram_user: Telegram's User; its hash, if it has one, is the key of the tombstone of an erased user, which is
-- applied to a new row. p_bot: bot to which the account wrote.
--
-- Concurrency: two first updates at once meet in the unique telegram_id, and both get the one row. Nothing is written
--   while nothing changed, except last_activity every five minutes. The transaction that creates the row counts the
--   new user in daily_totals. A row that another service created (has_started is false) becomes new once: of two
--   first updates the second waits for the row's lock and finds it started.
-- Locks: user, only where something changed; for a new user then as private.count_new_user and
--   private.apply_tombstone.
-- Returns: public.users, the row.
-- Errors: none.
create or replace function private.upsert_user(p_telegram_user jsonb, p_now timestamptz, p_bot text default '')
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_telegram_id bigint := (p_telegram_user ->> 'id')::bigint;
  v_user public.users;
  v_stored record;
  v_is_new boolean;
begin
  select u.* into v_user from public.users as u where u.telegram_id = v_telegram_id;
  if found
    and v_user.last_activity > p_now - interval '5 minutes'
    and v_user.username is not distinct from p_telegram_user ->> 'username'
    and v_user.first_name = coalesce(p_telegram_user ->> 'first_name', '')
    and v_user.last_name is not distinct from p_telegram_user ->> 'last_name'
    and v_user.language_code = coalesce(p_telegram_user ->> 'language_code', v_user.language_code)
    and v_user.has_started
  then
    return v_user;
  end if;

  insert into public.users as u
    (telegram_id, username, first_name, last_name, language_code, created_at, last_activity, active_on)
  values (
    v_telegram_id, p_telegram_user ->> 'username', coalesce(p_telegram_user ->> 'first_name', ''),
    p_telegram_user ->> 'last_name', coalesce(p_telegram_user ->> 'language_code', private.default_language()), p_now, p_now,
    (p_now at time zone private.setting('quota_timezone'))::date
  )
  on conflict (telegram_id) do update
    set username = excluded.username,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        language_code = coalesce(p_telegram_user ->> 'language_code', u.language_code),
        last_activity = greatest(u.last_activity, excluded.last_activity),
        active_on = greatest(u.active_on, excluded.active_on)
  -- xmax is 0 for an inserted row, and this transaction for a row that existed and was locked.
  returning u as user_row, u.xmax = 0 as is_new into v_stored;
  v_user := v_stored.user_row;
  v_is_new := v_stored.is_new or not v_user.has_started;
  if not v_user.has_started then
    update public.users as u set has_started = true, created_at = p_now where u.id = v_user.id
    returning u.* into v_user;
  end if;
  if v_is_new then
    perform private.count_new_user(v_user.id, p_now, p_bot);
    if p_telegram_user ? 'hash' then
      v_user := private.apply_tombstone(v_user.id, p_telegram_user ->> 'hash');
    end if;
  end if;
  return v_user;
end
$$;

revoke all on function private.upsert_user from public, anon, authenticated, service_role;
comment on function private.upsert_user is 'Finds or creates the user of a Telegram account';
