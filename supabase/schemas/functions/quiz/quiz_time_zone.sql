-- Returns the IANA time zone of a user, or that of the setting quota_timezone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.quiz_time_zone(p_user_id bigint)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    (
      select case when s.zone_changes_at <= private.clock() then s.next_time_zone else s.time_zone end
        from public.streaks as s
       where s.user_id = p_user_id
    ),
    private.setting('quota_timezone')
  );
end
$$;

revoke all on function private.quiz_time_zone from public, anon, authenticated, service_role;
comment on function private.quiz_time_zone is 'The time zone of a user';
