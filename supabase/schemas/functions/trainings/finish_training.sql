-- Finishes a training: computes its score and, where it counts (private.training_counts), stores it in the history and awards
-- XP and badges, once. A drill gives half of its score as XP.
--
-- p_reason: button, limit or time; the button ends an exam whose time is over by its time. p_case_data: what the history keeps
-- of the case. p_reference: the update that finishes it (public.training_finished_by).
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again. A question that is
--   being answered is answered first: until then nothing is finished.
-- Locks: user (NO KEY UPDATE), training, session, then as private.award_xp, public.record_activity,
--   private.award_due_badges and private.count_for_task.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'busy' | 'none'    (known: it was finished before; busy: a question is being answered; none:
--     no such training, or abandoned)
--   result?: private.training_result                   (finished, known)
-- Errors: none.
create or replace function public.finish_training(
  p_user_id bigint, p_training_id bigint, p_reason text, p_case_data jsonb default '{}', p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_reason text := p_reason;
  v_user public.users;
  v_training public.trainings;
  v_chains integer;
  v_bonuses jsonb;
  v_before jsonb;
  v_reference text;
  v_score integer;
  v_awards jsonb;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' or v_training.mode = 'reversed' then
    return jsonb_build_object('outcome', 'none');
  end if;
  v_now := private.clock();
  if v_training.turn_lease_until > v_now then
    return jsonb_build_object('outcome', 'busy');
  elsif p_reason = 'button' and private.exam_ends_at(v_training) <= v_now then
    v_reason := 'time';
  end if;

  select count(*) into v_chains
    from jsonb_array_elements(v_training.rules -> 'hidden') as h (item)
   where v_training.revealed ? concat(h.item ->> 'id', ':', v_training.rules -> 'stages' -> -1 ->> 'id')
     and not v_training.rules -> 'given' ? concat(h.item ->> 'id', ':', v_training.rules -> 'stages' -> -1 ->> 'id');
  v_bonuses := private.training_bonuses(
    v_training.rules,
    v_training.points,
    (
      select coalesce(jsonb_object_agg(f.type, f.place), '{}')
        from (
          select r.type, min(r.position) as place
            from public.training_turns as r
           where r.training_id = v_training.id and r.why in ('counted', 'capped')
           group by r.type
        ) as f
    ),
    v_chains
  );
  v_score := (v_bonuses ->> 'score')::integer;
  update public.trainings as t
     set status = 'finished',
         turn_reference = p_reference,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = v_bonuses || jsonb_build_object(
           'is_scored', t.question_count >= (t.rules ->> 'min_questions')::integer,
           'is_fast', coalesce(
             v_now - t.first_question_at < make_interval(secs => (t.rules ->> 'min_seconds')::integer), false
           ),
           'reason', v_reason, 'chains', v_chains, 'before', null, 'maestro_streak', null, 'xp', null, 'streak', null,
           'badges', '[]'::jsonb
         )
   where t.id = v_training.id
  returning t.* into v_training;
  if private.training_counts(v_training) then
    select jsonb_build_object('score', h.score, 'clarity_level', h.clarity_level) into v_before
      from public.training_history as h
     where h.user_id = p_user_id
       and h.bot = v_training.bot
       and h.scenario = v_training.scenario
       and h.mode = v_training.mode
     order by h.id desc
     limit 1;
    v_reference := private.training_reference(v_training);
    insert into public.training_history (
      user_id, bot, reference, scenario, mode, score, clarity_level, question_count, contextual_questions,
      per_type_counts, case_data, session_snapshot, training_date
    )
    values (
      p_user_id, v_training.bot, v_reference, v_training.scenario, v_training.mode, v_score, v_training.clarity_level,
      v_training.question_count, v_training.contextual_questions, v_training.per_type_counts,
      p_case_data || jsonb_build_object('case_id', v_training.case_id),
      jsonb_build_object(
        'training_id', v_training.id, 'version', v_training.version, 'difficulty', v_training.difficulty,
        'drill_type', v_training.drill_type, 'language', v_training.language, 'revealed', v_training.revealed,
        'facts_given', v_training.facts_given, 'chains', v_chains, 'bonuses', v_bonuses, 'reason', v_reason,
        'started_at', v_training.created_at
      ),
      v_now
    );
    perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
    v_awards := jsonb_build_object(
      'reference', v_reference,
      'before', v_before,
      'maestro_streak', private.maestro_streak(
        p_user_id, v_training.bot, v_training.scenario, (v_training.rules ->> 'maestro_score')::integer
      ),
      'xp', case
        when v_score > 1 then private.award_xp(
          p_user_id, v_training.bot, 'training_finished', v_reference,
          case when v_training.mode = 'drill' then v_score / 2 else v_score end
        )
      end,
      'streak', public.record_activity(p_user_id, v_training.bot),
      'badges', private.award_due_badges(
        p_user_id, v_training.bot, private.training_facts(v_training, v_score, v_chains)
      )
    );
    update public.trainings as t set result = t.result || v_awards where t.id = v_training.id
    returning t.* into v_training;
    perform private.count_for_task(v_training);
  end if;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_training from public, anon, authenticated, service_role;
grant execute on function public.finish_training to bot_backend;
comment on function public.finish_training is 'Finishes a training and awards what it gives';
