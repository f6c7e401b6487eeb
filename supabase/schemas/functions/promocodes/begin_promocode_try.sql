-- Checks whether a user may enter a promo code today and locks the user's counter of wrong codes. The setting
-- promocode_daily_tries limits wrong codes; the count restarts with the next day of the setting quota_timezone.
--
-- Concurrency: the counter's row stays locked until the transaction ends, so attempts of one user are serialized. A repeated
--   call of the last counted attempt passes even at the limit.
-- Locks: promocode_tries.
-- Returns: boolean, true: a repetition of the last counted attempt (same reference); false: a new attempt; null: the limit is
--   reached.
-- Errors: none.
create or replace function private.begin_promocode_try(p_user_id bigint, p_reference text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_tries public.promocode_tries;
begin
  insert into public.promocode_tries as t (user_id, day)
  values (p_user_id, v_today)
  on conflict (user_id) do update
    set tries = case t.day when excluded.day then t.tries else 0 end,
        day = excluded.day
  returning t.* into v_tries;
  if v_tries.last_reference = p_reference then
    return true;
  elsif v_tries.tries >= private.setting('promocode_daily_tries')::integer then
    return null;
  end if;
  return false;
end
$$;

revoke all on function private.begin_promocode_try from public, anon, authenticated, service_role;
comment on function private.begin_promocode_try is 'Checks and locks a user''s counter of wrong promo codes';
