-- Returns the questions that a user should repeat now, the longest overdue first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ text ]
-- Errors: none.
create or replace function public.due_quiz_cards(p_user_id bigint, p_limit integer default 50)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(d.question order by d.due, d.question), '[]'::jsonb)
      from (
        select c.question, c.due
          from public.quiz_cards as c
         where c.user_id = p_user_id and c.due <= private.clock()
         order by c.due, c.question
         limit p_limit
      ) as d
  );
end
$$;

revoke all on function public.due_quiz_cards from public, anon, authenticated, service_role;
grant execute on function public.due_quiz_cards to bot_backend;
comment on function public.due_quiz_cards is 'The questions that a user should repeat now';
