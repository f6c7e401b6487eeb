-- Lets a person name a promo code, unless they named too many wrong ones today; with the next day all begins anew.
--
-- Twice or at once: the person's row of tries stays locked until the transaction ends, so their attempts follow one
--   another. The last wrong try told again is let in again.
-- Returns: whether it is the last wrong try once more; null: there were too many.
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
comment on function private.begin_promocode_try is 'Lets a person name a promo code, unless they named too many wrong ones';
