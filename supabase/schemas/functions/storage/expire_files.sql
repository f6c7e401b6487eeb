-- Deletes up to p_limit rows of files whose retention has ended, and of uploads that were not completed within a day. Their
-- objects enter the queue of deletions.
--
-- Concurrency: files that another call has locked are skipped.
-- Locks: files (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many.
-- Errors: none.
create or replace function public.expire_files(p_limit integer)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_count integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select e.id
      from public.stored_files as e
     where e.delete_after <= v_now or (e.status = 'uploading' and e.created_at <= v_now - interval '1 day')
     limit p_limit
       for update skip locked
  )
  delete from public.stored_files as f using old where f.id = old.id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function public.expire_files from public, anon, authenticated, service_role;
grant execute on function public.expire_files to bot_backend;
comment on function public.expire_files is 'Deletes files whose retention has ended';
