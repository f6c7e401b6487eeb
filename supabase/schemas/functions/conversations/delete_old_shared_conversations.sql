-- Deletes shared pages that are older than the setting retention_messages_days: none of their messages is left. Their links
-- then lead nowhere.
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: pages (FOR UPDATE SKIP LOCKED), by created_at.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_shared_conversations(p_limit integer)
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
  with old as (
    select o.id
      from public.shared_conversations as o
     where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.shared_conversations as s using old where s.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_shared_conversations from public, anon, authenticated, service_role;
comment on function private.delete_old_shared_conversations is 'Deletes shared pages past their retention';
