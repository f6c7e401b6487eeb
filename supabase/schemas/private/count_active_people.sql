-- Keeps daily_people what users.active_on says, whoever changes it.
--
-- Twice or at once: every change of a row adds and takes one. The rows are taken by day, the earlier one first,
--   so no two wait for each other. What was never counted (rows copied in without triggers) is not taken off.
-- Returns: null, as after-triggers may.
-- Errors: none.
create or replace function private.count_active_people()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' then
    update public.daily_people as d
       set last_active = d.last_active - 1
     where d.day = '-infinity' and d.shard = old.id & 15 and d.last_active > 0;
  elsif tg_op = 'INSERT' then
    insert into public.daily_people as d (day, shard, last_active)
    values ('-infinity', new.id & 15, 1)
    on conflict (day, shard) do update set last_active = d.last_active + 1;
  end if;
  if tg_op <> 'INSERT' then
    update public.daily_people as d
       set last_active = d.last_active - 1
     where d.day = old.active_on and d.shard = old.id & 15 and d.last_active > 0;
  end if;
  if tg_op <> 'DELETE' then
    insert into public.daily_people as d (day, shard, active, last_active)
    values (new.active_on, new.id & 15, 1, 1)
    on conflict (day, shard) do update set active = d.active + 1, last_active = d.last_active + 1;
  end if;
  return null;
end
$$;

revoke all on function private.count_active_people from public, anon, authenticated;
comment on function private.count_active_people is 'Keeps daily_people what users.active_on says';
