-- Deletes jobs that ended long enough ago (setting retention_generations_days), at most p_limit. Their files in Storage have
-- the same retention of their own.
--
-- Concurrency: locked jobs are skipped; a repeated call deletes the next ones.
-- Locks: jobs (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   deleted: int
-- Errors: none.
create or replace function public.delete_generations(p_limit integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.id
      from public.generations as o
     where o.delete_at <= (select private.clock())
     order by o.delete_at
     limit p_limit
       for update skip locked
  )
  delete from public.generations as g using old where g.id = old.id;
  get diagnostics v_deleted = row_count;
  return jsonb_build_object('deleted', v_deleted);
end
$$;

revoke all on function public.delete_generations from public, anon, authenticated, service_role;
grant execute on function public.delete_generations to bot_backend;
comment on function public.delete_generations is 'Deletes jobs that ended long enough ago';
