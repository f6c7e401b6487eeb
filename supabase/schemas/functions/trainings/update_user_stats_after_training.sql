-- Brings the statistics of a user's private session with a bot up to date with the training history, from which they
-- are computed: {total_trainings, total_questions, total_score, best_score, last_training_date}. Other keys stay.
--
-- Concurrency: computed from the history, so a repeated call changes nothing; see public.save_user_session.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   total_trainings: int
--   total_questions: int
--   total_score: int
--   best_score: int
--   last_training_date: timestamptz | null
-- Errors: Z0004 no such user; S0001 the bot's name is invalid.
create or replace function public.update_user_stats_after_training(p_telegram_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_stats jsonb;
begin
  perform private.check_bot_name(p_bot);
  select u.id into v_user_id from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select jsonb_build_object(
      'total_trainings', count(*),
      'total_questions', coalesce(sum(h.question_count), 0),
      'total_score', coalesce(sum(h.score), 0),
      'best_score', coalesce(max(h.score), 0),
      'last_training_date', max(h.training_date)
    )
    into v_stats
    from public.training_history as h
   where h.user_id = v_user_id and h.bot = p_bot;
  perform public.save_user_session(p_telegram_id, p_bot, p_stats => v_stats);
  return v_stats;
end
$$;

revoke all on function public.update_user_stats_after_training from public, anon, authenticated, service_role;
grant execute on function public.update_user_stats_after_training to bot_backend, service_role;
comment on function public.update_user_stats_after_training is 'Brings a sessions statistics up to date with the training history';
