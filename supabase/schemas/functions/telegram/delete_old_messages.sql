-- Deletes messages of conversations that are older than the setting retention_messages_days.
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: messages (FOR UPDATE SKIP LOCKED), by created_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_messages(p_limit integer)
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
    select o.id
      from public.messages as o
     where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.messages as m using old where m.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_messages from public, anon, authenticated, service_role;
comment on function private.delete_old_messages is 'Deletes messages past their retention';
