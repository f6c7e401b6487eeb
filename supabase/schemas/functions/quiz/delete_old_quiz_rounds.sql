-- Deletes rounds of quiz polls that ended before the setting retention_quizzes_days, with their polls and the answers to them.
-- XP of the answers stays.
--
-- Concurrency: rows that another sweep or an answer has locked are skipped.
-- Locks: rounds (FOR UPDATE SKIP LOCKED), by summarized_at, then their polls and answers.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_quiz_rounds(p_limit integer)
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
      from public.quiz_rounds as o
     where o.summarized_at < v_before
     order by o.summarized_at
     limit p_limit
       for update skip locked
  )
  delete from public.quiz_rounds as r using old where r.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_quiz_rounds from public, anon, authenticated, service_role;
comment on function private.delete_old_quiz_rounds is 'Deletes rounds of quiz polls past their retention';
