-- Deletes updates that are older than the setting retention_updates_hours, dead letters after retention_dead_letters_days.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: update rows (FOR UPDATE SKIP LOCKED), by received_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_updates(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_deleted integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.bot, o.update_id
      from public.telegram_updates as o
     where o.received_at < v_now - make_interval(hours => private.setting('retention_updates_hours')::integer)
       and (
         o.status <> 'dead_lettered'
         or o.received_at < v_now - make_interval(days => private.setting('retention_dead_letters_days')::integer)
       )
     order by o.received_at
     limit p_limit
       for update skip locked
  )
  delete from public.telegram_updates as t using old where t.bot = old.bot and t.update_id = old.update_id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_updates from public, anon, authenticated, service_role;
comment on function private.delete_old_updates is 'Deletes updates past their retention';
