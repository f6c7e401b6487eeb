-- Finishes a training with reversed roles once all answered questions are judged. Its score is the number of questions that
-- the user labeled as the trainer did. With enough questions, and not faster than the scenario's shortest time, it awards
-- the XP of the rule reversed_finished, and badges only where the scenario says so (rules: gives_badges). It changes neither
-- the history nor the streak.
--
-- p_reference: the update that finishes it (public.training_finished_by).
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again.
-- Locks: user (NO KEY UPDATE), training, then as private.award_xp and private.award_due_badges.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'busy' | 'unjudged' | 'none'    (busy: an answer is being recorded; unjudged: questions
--     are left to judge)
--   result?: private.training_result                                (finished, known)
-- Errors: none.
create or replace function public.finish_reversed(
  p_user_id bigint, p_training_id bigint, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_training public.trainings;
  v_matched integer;
  v_is_scored boolean;
  v_is_fast boolean;
  v_xp jsonb;
  v_badges jsonb := '[]'::jsonb;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed'
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' then
    return jsonb_build_object('outcome', 'none');
  end if;
  v_now := private.clock();
  if v_training.turn_lease_until > v_now then
    return jsonb_build_object('outcome', 'busy');
  elsif exists (
    select from public.training_turns as r where r.training_id = v_training.id and r.reply <> '' and r.is_useful is null
  ) then
    return jsonb_build_object('outcome', 'unjudged');
  end if;

  delete from public.training_turns as r where r.training_id = v_training.id and r.reply = '';
  select count(*) into v_matched
    from public.training_turns as r
   where r.training_id = v_training.id and r.judged_type = r.type;
  v_is_scored := v_training.question_count >= (v_training.rules ->> 'min_questions')::integer;
  v_is_fast := coalesce(
    v_now - v_training.first_question_at < make_interval(secs => (v_training.rules ->> 'min_seconds')::integer), false
  );
  if v_is_scored and not v_is_fast then
    v_xp := private.award_xp(
      p_user_id, v_training.bot, 'reversed_finished',
      private.unused_reference(p_user_id, 'reversed_finished', concat(v_training.bot, ':', v_training.id))
    );
    if (v_training.rules ->> 'gives_badges')::boolean then
      v_badges := private.award_due_badges(
        p_user_id, v_training.bot, jsonb_build_object('reversed_matched', v_matched)
      );
    end if;
  end if;
  update public.trainings as t
     set status = 'finished',
         turn_reference = p_reference,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = jsonb_build_object(
           'is_scored', v_is_scored, 'is_fast', v_is_fast, 'reason', 'judged', 'questions', 0, 'coverage', 0, 'order', 0,
           'depth', 0, 'chains', 0, 'score', v_matched, 'before', null, 'maestro_streak', null, 'xp', v_xp,
           'streak', null, 'badges', v_badges
         )
   where t.id = v_training.id
  returning t.* into v_training;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_reversed from public, anon, authenticated, service_role;
grant execute on function public.finish_reversed to bot_backend;
comment on function public.finish_reversed is 'Finishes a training with reversed roles';
