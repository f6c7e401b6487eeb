-- Returns the IANA time zone of a user's reminders: the one chosen last, at once; or that of the setting quota_timezone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.reminder_time_zone(p_user_id bigint)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    (select coalesce(s.next_time_zone, s.time_zone) from public.streaks as s where s.user_id = p_user_id),
    private.setting('quota_timezone')
  );
end
$$;

revoke all on function private.reminder_time_zone from public, anon, authenticated, service_role;
comment on function private.reminder_time_zone is 'Returns the time zone of a user''s reminders';
