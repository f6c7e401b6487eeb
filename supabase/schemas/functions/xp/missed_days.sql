-- Counts the days that a streak has missed before a day: those after last_day, without an excused one and without those of a
-- pause.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.missed_days(p_streak public.streaks, p_day date)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    greatest(
      e.day - p_streak.last_day - 1
        - coalesce((p_streak.excused_on > p_streak.last_day and p_streak.excused_on < e.day)::integer, 0),
      0
    ),
    0
  )
  from (select least(p_day, p_streak.paused_on) as day) as e;
$$;

revoke all on function private.missed_days from public, anon, authenticated, service_role;
comment on function private.missed_days is 'Counts the days that a streak has missed before a day';
