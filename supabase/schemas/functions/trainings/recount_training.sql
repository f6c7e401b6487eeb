-- Computes the points of a finished training's lines and its score again, after a label was corrected: as
-- public.record_training_turn and public.finish_training did. Clarity and chains stay: the client has said what it said.
--
-- Concurrency: the caller has locked the training.
-- Locks: turns, history row.
-- Returns: public.trainings, with the new result.
-- Errors: none.
create or replace function private.recount_training(p_training public.trainings)
returns public.trainings
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_turn public.training_turns;
  v_counts jsonb := '{}'::jsonb;
  v_first jsonb := '{}'::jsonb;
  v_count integer;
  v_cap integer;
  v_points integer := 0;
  v_bonuses jsonb;
  v_training public.trainings := p_training;
begin
  for v_turn in
    select r.* from public.training_turns as r where r.training_id = p_training.id order by r.position
  loop
    if v_turn.why in ('counted', 'capped') then
      select (t.type ->> 'cap')::integer into v_cap
        from jsonb_array_elements(p_training.rules -> 'types') as t (type)
       where t.type ->> 'id' = v_turn.type;
      v_count := coalesce((v_counts ->> v_turn.type)::integer, 0);
      v_turn.points := private.turn_points(p_training.rules, v_turn.type, v_count, v_turn.is_contextual);
      update public.training_turns as r
         set points = v_turn.points, why = case when v_count >= v_cap then 'capped' else 'counted' end
       where r.id = v_turn.id;
      v_first := jsonb_build_object(v_turn.type, v_turn.position) || v_first;
      v_counts := v_counts || jsonb_build_object(v_turn.type, v_count + 1);
      v_points := v_points + v_turn.points;
    end if;
  end loop;
  v_bonuses := private.training_bonuses(p_training.rules, v_points, v_first, (p_training.result ->> 'chains')::integer);
  update public.trainings as t
     set per_type_counts = v_counts,
         points = v_points,
         contextual_questions = (
           select count(*) from public.training_turns as r where r.training_id = t.id and r.is_contextual
         ),
         question_count = (
           select count(*) from public.training_turns as r where r.training_id = t.id and r.why <> 'none'
         ),
         result = t.result || v_bonuses
   where t.id = p_training.id
  returning t.* into v_training;
  update public.training_history as h
     set score = (v_bonuses ->> 'score')::integer,
         per_type_counts = v_training.per_type_counts,
         contextual_questions = v_training.contextual_questions,
         question_count = v_training.question_count,
         session_snapshot = h.session_snapshot || jsonb_build_object('bonuses', v_bonuses)
   where h.user_id = v_training.user_id
     and h.bot = v_training.bot
     and h.reference = coalesce(v_training.result ->> 'reference', concat(v_training.bot, ':', v_training.id));
  return v_training;
end
$$;

revoke all on function private.recount_training from public, anon, authenticated, service_role;
comment on function private.recount_training is 'Computes the points of a finished training''s lines and its score again, after a label was corrected';
