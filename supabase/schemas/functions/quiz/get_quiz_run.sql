-- Returns a quiz of a user, or the open one that the user saw last, and shows its current question: its time begins when it is
-- shown for the first time.
--
-- p_run_id: null for the open one. p_show: the number of the question that is shown now, if it is the current one.
--
-- Concurrency: of two calls at once, the second finds the question shown.
-- Locks: the quiz (FOR UPDATE) where a question is shown.
-- Returns: jsonb
--   private.quiz_run_state | null
-- Errors: none.
create or replace function public.get_quiz_run(
  p_user_id bigint, p_bot text, p_run_id bigint default null, p_show integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.quiz_runs;
begin
  select r.* into v_run
    from public.quiz_runs as r
   where r.user_id = p_user_id
     and r.bot = p_bot
     and case when p_run_id is null then r.status = 'open' else r.id = p_run_id end
   order by r.shown_at desc
   limit 1;
  if not found then
    return null;
  end if;
  if p_show is not null then
    update public.quiz_runs as r
       set shown = p_show, shown_at = private.clock()
     where r.id = v_run.id and r.status = 'open' and r.answered = p_show - 1 and r.shown = p_show - 1
    returning r.* into v_run;
    if not found then
      select r.* into v_run from public.quiz_runs as r where r.id = p_run_id;
    end if;
  end if;
  return private.quiz_run_state(v_run);
end
$$;

revoke all on function public.get_quiz_run from public, anon, authenticated, service_role;
grant execute on function public.get_quiz_run to bot_backend;
comment on function public.get_quiz_run is 'Returns a quiz and shows its current question';
