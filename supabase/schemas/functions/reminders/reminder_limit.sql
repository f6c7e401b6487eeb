-- Returns how many reminders a user may have at once, as the plan allows.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer, null without a limit.
-- Errors: none.
create or replace function private.reminder_limit(p_user_id bigint)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case when l.reminders < 0 then 0 else l.reminders end
    from public.users as u
    join public.subscription_limits as l on l.vip_level <= u.vip_level
   where u.id = p_user_id
   order by l.vip_level desc
   limit 1;
$$;

revoke all on function private.reminder_limit from public, anon, authenticated, service_role;
comment on function private.reminder_limit is 'Returns how many reminders a user may have at once';
