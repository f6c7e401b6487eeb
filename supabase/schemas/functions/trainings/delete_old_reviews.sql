-- Deletes reviews that are older than the setting retention_reviews_days, and drafts a day after their last message.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: trainings and drafts (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many; p_limit of each at most.
-- Errors: none.
create or replace function private.delete_old_reviews(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_reviews integer;
  v_drafts integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.id
      from public.trainings as o
     where o.mode = 'review'
       and o.created_at < v_now - make_interval(days => private.setting('retention_reviews_days')::integer)
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.trainings as t using old where t.id = old.id;
  get diagnostics v_reviews = row_count;
  with old as (
    select o.id
      from public.review_drafts as o
     where o.updated_at < v_now - interval '1 day'
     order by o.updated_at
     limit p_limit
       for update skip locked
  )
  delete from public.review_drafts as d using old where d.id = old.id;
  get diagnostics v_drafts = row_count;
  return v_reviews + v_drafts;
end
$$;

revoke all on function private.delete_old_reviews from public, anon, authenticated, service_role;
comment on function private.delete_old_reviews is 'Deletes reviews and drafts past their retention';
