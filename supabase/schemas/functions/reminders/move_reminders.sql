-- Moves the reminders of a user that name a time of the clock to a time zone. One whose time is over there becomes due.
--
-- Concurrency: the caller has locked the user; a reminder that a job sends meanwhile keeps its moment.
-- Locks: reminders.
-- Returns: void
-- Errors: none.
create or replace function private.move_reminders(p_user_id bigint, p_time_zone text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.reminders as r
     set due_at = (r.day + r.time_of_day) at time zone p_time_zone
   where r.user_id = p_user_id and r.sent_at is null and r.day is not null;
end
$$;

revoke all on function private.move_reminders from public, anon, authenticated, service_role;
comment on function private.move_reminders is 'Moves the reminders of a user to a time zone';
