-- Returns whether JSON is the quiz of a lesson (lessons.quiz): 1 to 100 questions, each with a question and 2 to 20 options in every
-- language that it has, the same number in each, and at least one right option that exists.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_quiz(p_quiz jsonb)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
      when jsonb_typeof(p_quiz -> 'questions') is distinct from 'array' then false
      when jsonb_array_length(p_quiz -> 'questions') not between 1 and 100 then false
      when coalesce(p_quiz ->> 'pass_percent', '80') !~ '^([1-9][0-9]?|100)$' then false
      when coalesce(p_quiz ->> 'attempts', '1') !~ '^[1-9][0-9]{0,2}$' then false
      else (
        select bool_and(
            case
              when jsonb_typeof(q.value -> 'texts') is distinct from 'object' or q.value -> 'texts' = '{}' then false
              when jsonb_typeof(q.value -> 'correct') is distinct from 'array' then false
              else (
                select bool_and(
                    coalesce(jsonb_typeof(t.value -> 'question') = 'string' and t.value ->> 'question' <> '', false)
                    and coalesce(jsonb_typeof(t.value -> 'explanation'), 'string') = 'string'
                    and not jsonb_path_exists(t.value, 'lax $.options[*] ? (@.type() != "string" || @ == "")')
                    and coalesce(jsonb_typeof(t.value -> 'options') = 'array', false)
                    and jsonb_path_exists(
                      t.value,
                      'lax $ ? ($.options.size() >= 2 && $.options.size() <= 20 && $.options.size() == $n)',
                      jsonb_build_object('n', jsonb_array_length(jsonb_path_query_first(q.value, 'lax $.texts.*.options')))
                    )
                    and not jsonb_path_exists(
                      q.value,
                      'lax $.correct[*] ? (@.type() != "number" || @ < 0 || @ >= $n || @.floor() != @)',
                      jsonb_build_object('n', jsonb_array_length(jsonb_path_query_first(q.value, 'lax $.texts.*.options')))
                    )
                    and jsonb_array_length(q.value -> 'correct') >= 1
                  )
                  from jsonb_each(q.value -> 'texts') as t
              )
            end
          )
          from jsonb_array_elements(p_quiz -> 'questions') as q (value)
      )
    end;
$$;

revoke all on function private.is_quiz from public, anon, authenticated, service_role;
comment on function private.is_quiz is 'Whether JSON is the quiz of a lesson';
