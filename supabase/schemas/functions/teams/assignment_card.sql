-- Returns an assignment as lists show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   scenario: text
--   case_id: text | null   (null: any)
--   mode: 'practice' | 'exam'
--   difficulty: 'easy' | 'medium' | 'hard'
--   first_due_on: date
--   repetitions: int
--   is_canceled: boolean
-- Errors: none.
create or replace function private.assignment_card(p_assignment public.assignments)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_assignment.id,
    'scenario', p_assignment.scenario,
    'case_id', p_assignment.case_id,
    'mode', p_assignment.mode,
    'difficulty', p_assignment.difficulty,
    'first_due_on', p_assignment.first_due_on,
    'repetitions', p_assignment.repetitions,
    'is_canceled', p_assignment.canceled_at is not null
  );
$$;

revoke all on function private.assignment_card from public, anon, authenticated, service_role;
comment on function private.assignment_card is 'Returns an assignment as lists show it';
