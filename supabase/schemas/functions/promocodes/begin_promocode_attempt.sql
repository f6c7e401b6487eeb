-- Checks whether a user may enter a promo code today and locks the user's counter of wrong codes. The setting
-- promocode_daily_attempts limits wrong codes; the count restarts with the next day of the setting quota_timezone.
--
-- Concurrency: the counter's row stays locked until the transaction ends, so attempts of one user are serialized. A repeated
--   call of the last counted attempt passes even at the limit.
-- Locks: promocode_attempts.
-- Returns: boolean, true: a repetition of the last counted attempt (same reference); false: a new attempt; null: the limit is
--   reached.
-- Errors: none.
create or replace function private.begin_promocode_attempt(p_user_id bigint, p_reference text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_attempts public.promocode_attempts;
begin
  insert into public.promocode_attempts as t (user_id, day)
  values (p_user_id, v_today)
  on conflict (user_id) do update
    set failed_attempts = case t.day when excluded.day then t.failed_attempts else 0 end,
        day = excluded.day
  returning t.* into v_attempts;
  if v_attempts.last_reference = p_reference then
    return true;
  elsif v_attempts.failed_attempts >= private.setting('promocode_daily_attempts')::integer then
    return null;
  end if;
  return false;
end
$$;

revoke all on function private.begin_promocode_attempt from public, anon, authenticated, service_role;
comment on function private.begin_promocode_attempt is 'Checks and locks a user''s counter of wrong promo codes';
