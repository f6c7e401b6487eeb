-- Deletes quizzes that began before the setting retention_quizzes_days, with their answers. What they were counted in stays:
-- quiz_totals, quiz_topics, quiz_days, quiz_cards and XP.
--
-- Concurrency: rows that another sweep or an answer has locked are skipped.
-- Locks: quizzes (FOR UPDATE SKIP LOCKED), by created_at, then their answers.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_quiz_runs(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant timestamptz := private.clock() - make_interval(days => private.setting('retention_quizzes_days')::integer);
  v_deleted integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.id
      from public.quiz_runs as o
     where o.created_at < v_before
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.quiz_runs as r using old where r.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_quiz_runs from public, anon, authenticated, service_role;
comment on function private.delete_old_quiz_runs is 'Deletes quizzes past their retention';
