-- Deletes facts that the AI proposed to keep, declined and undecided ones, as old as messages are deleted
-- (retention_messages_days).
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: proposals (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many; at most p_limit.
-- Errors: none.
create or replace function private.delete_old_proposals(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_deleted integer;
begin
  with old as (
    select o.id
      from public.ai_memory_proposals as o
     where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.ai_memory_proposals as p using old where p.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_proposals from public, anon, authenticated, service_role;
comment on function private.delete_old_proposals is 'Deletes proposed facts past their retention';
