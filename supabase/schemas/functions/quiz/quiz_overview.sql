-- Returns what a user can do now: continue a quiz, repeat what is due, take the day's challenge.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   day: date
--   open: private.quiz_run_state | null      (the open quiz that is no challenge)
--   challenge: private.quiz_run_state | null (today's)
--   due: int                                 (questions to repeat now, at most 1000)
--   reminder: int | null                     (the hour of the user's day)
-- Errors: none.
create or replace function public.quiz_overview(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day constant date := private.quiz_day();
  v_open public.quiz_runs;
  v_challenge public.quiz_runs;
begin
  select r.* into v_open
    from public.quiz_runs as r
   where r.user_id = p_user_id and r.bot = p_bot and r.status = 'open' and r.kind <> 'daily';
  select r.* into v_challenge
    from public.quiz_runs as r
   where r.user_id = p_user_id and r.bot = p_bot and r.day = v_day and r.kind = 'daily';
  return jsonb_build_object(
    'day', v_day,
    'open', case when v_open.id is not null then private.quiz_run_state(v_open) end,
    'challenge', case when v_challenge.id is not null then private.quiz_run_state(v_challenge) end,
    'due', private.count_due_cards(p_user_id),
    'reminder', (select m.hour from public.quiz_reminders as m where m.user_id = p_user_id and m.bot = p_bot)
  );
end
$$;

revoke all on function public.quiz_overview from public, anon, authenticated, service_role;
grant execute on function public.quiz_overview to bot_backend;
comment on function public.quiz_overview is 'What a user can do in the quiz now';
