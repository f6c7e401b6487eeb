-- Records a turn that public.begin_training_turn began, and computes its points. The first one consumes the access to the
-- training, no matter what was said: a plan, a bonus credit or a free training, once.
--
-- p_turn: {question, reply, kind, type, is_contextual, used_fragment, touches, reveals, facts, source, is_repeated,
-- is_copied}. type `none`: it is no move, and nothing is counted. reveals (item:stage) and facts are what the client
-- discloses. Points come from the rules of the training only.
--
-- Concurrency: the user's row and the training are locked; a reference that was recorded returns its turn and changes
--   nothing, and a worker whose lease another update has taken changes nothing.
-- Locks: user (NO KEY UPDATE), training, then as public.consume_access.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'no_access' | 'superseded'   (superseded: the training is closed, or the lease is lost)
--   turn?: private.training_turn                                (recorded, known)
--   access?: private.resolve_access                             (no_access)
-- Errors: none.
create or replace function public.record_training_turn(
  p_user_id bigint, p_training_id bigint, p_reference text, p_turn jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_telegram_id bigint;
  v_training public.trainings;
  v_turn public.training_turns;
  v_access jsonb;
  v_type text := p_turn ->> 'type';
  v_count integer;
  v_why text;
  v_is_contextual boolean;
  v_reveals jsonb;
  v_points integer := 0;
begin
  select u.telegram_id into v_telegram_id from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  select r.* into v_turn
    from public.training_turns as r
   where r.training_id = v_training.id and r.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'turn', private.training_turn(v_training, v_turn));
  elsif v_training.status is distinct from 'open' or v_training.mode = 'reversed'
    or v_training.turn_reference is distinct from p_reference then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  v_now := private.clock();
  v_count := coalesce((v_training.per_type_counts ->> v_type)::integer, 0);
  v_why := case
    when not exists (
      select from jsonb_array_elements(v_training.rules -> 'types') as t (type) where t.type ->> 'id' = v_type
    ) then 'none'
    when v_training.drill_type <> v_type then 'other_type'
    when (p_turn ->> 'is_repeated')::boolean then 'repeated'
    when v_count >= (
      select (t.type ->> 'cap')::integer
        from jsonb_array_elements(v_training.rules -> 'types') as t (type)
       where t.type ->> 'id' = v_type
    ) then 'capped'
    else 'counted'
  end;
  if v_training.access_type is null then
    v_access := private.consume_for_training(v_training, v_telegram_id);
    if not (v_access ->> 'has_access')::boolean then
      update public.trainings as t set turn_reference = null, turn_lease_until = null where t.id = v_training.id;
      return jsonb_build_object(
        'outcome', 'no_access',
        'access', private.resolve_access((select u from public.users as u where u.id = p_user_id), 1)
      );
    end if;
    v_training.access_type := v_access ->> 'access_type';
  end if;

  v_is_contextual := v_why in ('counted', 'capped') and (p_turn ->> 'is_contextual')::boolean
    and not (p_turn ->> 'is_copied')::boolean;
  if v_why in ('counted', 'capped') then
    v_points := private.turn_points(v_training.rules, v_type, v_count, v_is_contextual);
    v_training.per_type_counts := v_training.per_type_counts || jsonb_build_object(v_type, v_count + 1);
  end if;
  -- Only what the rules know and the client has not disclosed yet.
  select coalesce(jsonb_agg(distinct r.key), '[]') into v_reveals
    from jsonb_array_elements_text(p_turn -> 'reveals') as r (key)
   where not v_training.revealed ? r.key
     and exists (
       select
         from jsonb_array_elements(v_training.rules -> 'hidden') as h (item)
         cross join jsonb_array_elements(v_training.rules -> 'stages') as g (stage)
        where concat(h.item ->> 'id', ':', g.stage ->> 'id') = r.key
     );
  update public.trainings as t
     set access_type = v_training.access_type,
         turns = t.turns + 1,
         question_count = t.question_count + (v_why <> 'none')::integer,
         contextual_questions = t.contextual_questions + v_is_contextual::integer,
         per_type_counts = v_training.per_type_counts,
         points = t.points + v_points,
         silent_count = case when v_why = 'none' then t.silent_count + 1 else 0 end,
         revealed = t.revealed || v_reveals,
         facts_given = t.facts_given || (
           select coalesce(jsonb_agg(f.id), '[]')
             from jsonb_array_elements_text(p_turn -> 'facts') as f (id)
            where not t.facts_given ? f.id
         ),
         clarity_level = private.training_clarity(t.rules, t.revealed || v_reveals),
         first_question_at = case when v_why = 'none' then t.first_question_at else coalesce(t.first_question_at, v_now) end,
         turn_reference = null,
         turn_lease_until = null,
         updated_at = v_now
   where t.id = v_training.id
  returning t.* into v_training;
  insert into public.training_turns as r (
    training_id, reference, position, question, reply, kind, type, why, is_contextual, is_copied, used_fragment,
    touches, revealed, source, points, clarity_level, created_at
  )
  values (
    v_training.id, p_reference, v_training.turns, p_turn ->> 'question', p_turn ->> 'reply', p_turn ->> 'kind',
    v_type, v_why, v_is_contextual, (p_turn ->> 'is_copied')::boolean, p_turn ->> 'used_fragment',
    p_turn -> 'touches', v_reveals, p_turn ->> 'source', v_points, v_training.clarity_level, v_now
  )
  returning r.* into v_turn;
  return jsonb_build_object('outcome', 'recorded', 'turn', private.training_turn(v_training, v_turn));
end
$$;

revoke all on function public.record_training_turn from public, anon, authenticated, service_role;
grant execute on function public.record_training_turn to bot_backend;
comment on function public.record_training_turn is 'Records a turn of a training and computes its points';
