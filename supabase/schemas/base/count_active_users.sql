-- Trigger of users: keeps daily_active_users equal to users.active_on. Inserted and deleted users are counted per statement, a
-- user who moves to a new day per row, and also for their cohort (cohort_activity).
--
-- Concurrency: every change of a row adds and subtracts one, so concurrent changes add up. Users that were never counted (rows
--   copied in without triggers) are not subtracted below zero.
-- Locks: daily_active_users, by day, earlier first, so that concurrent calls cannot deadlock, then cohort_activity.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.count_active_users()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted record;
begin
  if tg_op = 'INSERT' then
    insert into public.daily_active_users as d (day, shard, active, last_active)
    select n.active_on, n.id & 15, count(*), count(*) from new_users as n group by 1, 2
    union all
    select '-infinity'::date, n.id & 15, 0, count(*) from new_users as n group by 2
    order by 1, 2
    on conflict (day, shard) do update
      set active = d.active + excluded.active, last_active = d.last_active + excluded.last_active;
  elsif tg_op = 'DELETE' then
    for v_deleted in
      select o.active_on as day, o.id & 15 as shard, count(*) as users from old_users as o group by 1, 2
      union all
      select '-infinity'::date, o.id & 15, count(*) from old_users as o group by 2
      order by 1, 2
    loop
      update public.daily_active_users as d
         set last_active = greatest(d.last_active - v_deleted.users, 0)
       where d.day = v_deleted.day and d.shard = v_deleted.shard;
    end loop;
  else
    update public.daily_active_users as d
       set last_active = d.last_active - 1
     where d.day = old.active_on and d.shard = old.id & 15 and d.last_active > 0;
    insert into public.daily_active_users as d (day, shard, active, last_active)
    values (new.active_on, new.id & 15, 1, 1)
    on conflict (day, shard) do update set active = d.active + 1, last_active = d.last_active + 1;
    insert into public.cohort_activity as c (cohort_day, day_n, shard, users)
    select m.started_on, new.active_on - m.started_on, new.id & 15, 1
      from public.user_milestones as m
     where m.user_id = new.id and new.active_on - m.started_on between 1 and 30
    on conflict (cohort_day, day_n, shard) do update set users = c.users + 1;
  end if;
  return null;
end
$$;

revoke all on function private.count_active_users from public, anon, authenticated, service_role;
comment on function private.count_active_users is 'Keeps daily_active_users equal to users.active_on';
