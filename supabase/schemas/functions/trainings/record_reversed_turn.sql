-- Records what the user, in the part of the client, answered to the AI's last question, and the AI's next question. The
-- first answer consumes the access to the training: a plan, a bonus credit or a free training, once.
--
-- p_reference: names the next question; for an answer, the update that public.begin_training_turn leased the training to.
-- p_answer: null at the start, when there is no question to answer yet. p_question: {question, type, is_contextual,
-- used_fragment, touches, source}; null after the last answer.
--
-- Concurrency: the user's row and the training are locked; a reference that was recorded changes nothing, and a worker
--   whose lease another update has taken changes nothing. After the last answer there is no question left to answer, so a
--   repeated call records nothing either.
-- Locks: user (NO KEY UPDATE), training, turn, then as public.consume_access.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'no_access' | 'superseded'   (superseded: the training is closed, or the lease is lost)
--   training?: private.training_state                           (recorded, known)
-- Errors: Z0010 the answer is blank.
create or replace function public.record_reversed_turn(
  p_user_id bigint, p_training_id bigint, p_reference text, p_answer text, p_question jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_spaces constant text := E' \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
    '\u2028\u2029\u202f\u205f\u3000';
  v_now timestamptz;
  v_telegram_id bigint;
  v_training public.trainings;
  v_pending bigint;
  v_access jsonb;
begin
  if translate(p_answer, v_spaces, '') = '' then
    raise exception 'an answer needs words' using errcode = 'Z0010';
  end if;
  select u.telegram_id into v_telegram_id from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed'
     for update;
  if exists (
    select from public.training_turns as r where r.training_id = v_training.id and r.reference = p_reference
  ) then
    return jsonb_build_object('outcome', 'known', 'training', private.training_state(v_training));
  end if;
  select r.id into v_pending
    from public.training_turns as r
   where r.training_id = v_training.id and r.reply = ''
     for update;
  if v_training.status is distinct from 'open'
    or p_answer is null and v_training.turns > 0
    or p_answer is not null and v_training.turn_reference is distinct from p_reference
  then
    return jsonb_build_object('outcome', 'superseded');
  elsif p_answer is not null and v_pending is null then
    update public.trainings as t set turn_reference = null, turn_lease_until = null where t.id = v_training.id;
    return jsonb_build_object('outcome', 'known', 'training', private.training_state(v_training));
  end if;

  v_now := private.clock();
  if p_answer is not null then
    if v_training.access_type is null then
      v_access := private.consume_for_training(v_training, v_telegram_id);
      if not (v_access ->> 'has_access')::boolean then
        update public.trainings as t set turn_reference = null, turn_lease_until = null where t.id = v_training.id;
        return jsonb_build_object('outcome', 'no_access');
      end if;
    end if;
    update public.training_turns as r set reply = p_answer where r.id = v_pending;
  end if;
  update public.trainings as t
     set access_type = coalesce(t.access_type, v_access ->> 'access_type'),
         turns = t.turns + (p_question is not null)::integer,
         question_count = t.question_count + (p_answer is not null)::integer,
         first_question_at = case when p_answer is null then null else coalesce(t.first_question_at, v_now) end,
         turn_reference = null,
         turn_lease_until = null,
         updated_at = v_now
   where t.id = v_training.id
  returning t.* into v_training;
  if p_question is not null then
    insert into public.training_turns as r (
      training_id, reference, position, question, reply, kind, type, why, is_contextual, is_copied, used_fragment,
      touches, revealed, source, points, clarity_level, created_at
    )
    values (
      v_training.id, p_reference, v_training.turns, p_question ->> 'question', '', 'question', p_question ->> 'type',
      'counted', (p_question ->> 'is_contextual')::boolean, false, p_question ->> 'used_fragment',
      p_question -> 'touches', '[]', p_question ->> 'source', 0, 0, v_now
    );
  end if;
  return jsonb_build_object('outcome', 'recorded', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.record_reversed_turn from public, anon, authenticated, service_role;
grant execute on function public.record_reversed_turn to bot_backend;
comment on function public.record_reversed_turn is 'Records the user''s answer to the AI''s question, and the next question';
