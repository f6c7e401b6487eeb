-- Restores the requests of the month that an admin reset, and those of the day while it lasts.
--
-- Concurrency: the caller holds the user's row, as every reservation does.
-- Locks: monthly_usage, daily_usage.
-- Returns: boolean, false and nothing changed in a later month.
-- Errors: none.
create or replace function private.undo_reset(p_entry public.audit_log)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  update public.monthly_usage as m
     set requests = m.requests + (p_entry.before ->> 'requests')::integer
   where m.user_id = p_entry.user_id
     and m.month = (p_entry.before ->> 'month')::date
     and m.month = date_trunc('month', v_today::timestamp)::date;
  if not found then
    return false;
  end if;
  update public.daily_usage as d
     set requests = d.requests + (p_entry.before ->> 'day_requests')::integer
   where d.user_id = p_entry.user_id
     and d.day = v_today
     and d.day = (p_entry.before ->> 'day')::date
     and d.bot = (
       select min(o.bot) from public.daily_usage as o where o.user_id = p_entry.user_id and o.day = v_today
     );
  return true;
end
$$;

revoke all on function private.undo_reset from public, anon, authenticated, service_role;
comment on function private.undo_reset is 'Reverses the reset of a user''s limit';
