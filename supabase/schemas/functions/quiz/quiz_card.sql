-- Returns when a user should see a question again, as FSRS keeps it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { state: int, stability: numeric, difficulty: numeric, due: timestamptz, last_review: timestamptz } | null
-- Errors: none.
create or replace function private.quiz_card(p_user_id bigint, p_question text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
        'state', c.state, 'stability', c.stability::text, 'difficulty', c.difficulty::text, 'due', c.due, 'last_review', c.last_review
      )
      from public.quiz_cards as c
     where c.user_id = p_user_id and c.question = p_question
  );
end
$$;

revoke all on function private.quiz_card from public, anon, authenticated, service_role;
comment on function private.quiz_card is 'When a user should see a question again';
