-- Returns whether JSON is answers to p_questions questions: for each a list of at most 20 numbers of options, from 0.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.are_answers(p_answers jsonb, p_questions integer)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_answer jsonb;
begin
  if jsonb_typeof(p_answers) is distinct from 'array' or jsonb_array_length(p_answers) <> p_questions then
    return false;
  end if;
  for v_answer in select a.value from jsonb_array_elements(p_answers) as a (value) loop
    if jsonb_typeof(v_answer) <> 'array' or jsonb_array_length(v_answer) > 20
      or exists (select from jsonb_array_elements(v_answer) as o (value) where o.value::text !~ '^[0-9]{1,2}$')
    then
      return false;
    end if;
  end loop;
  return true;
end
$$;

revoke all on function private.are_answers from public, anon, authenticated, service_role;
comment on function private.are_answers is 'Whether JSON is answers to some questions';
