-- Decides about a disputed line in an admin's name: upholds its points, or corrects its label. A correction computes the
-- training's score again and changes the history, the XP (by a row of the ledger) and what was assigned; of a review, its
-- score only. The user gets one message, and one about a new level and about each new badge.
--
-- p_type: the right type, null: the points are upheld. p_is_contextual: whether it took up the client's words.
--
-- Concurrency: user, training and dispute are locked; of two admins the second gets what the first decided.
-- Locks: user (NO KEY UPDATE), training, dispute, session, then as private.recount_training, private.award_xp,
--   private.award_due_badges and private.count_for_task.
-- Returns: jsonb
--   outcome: 'upheld' | 'corrected' | 'known' | 'none'    (known: decided before; none: the user deleted the data)
--   status?: 'upheld' | 'corrected'    (known)
--   before?: int                       (corrected: the score)
--   after?: int                        (corrected)
--   xp?: int                           (corrected)
--   outgoing?: outgoing                (upheld, corrected: the messages to the user)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or user; N0008 no such type.
create or replace function public.admin_decide_dispute(
  p_dispute_id bigint, p_type text, p_is_contextual boolean, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_user public.users;
  v_training public.trainings;
  v_dispute public.training_disputes;
  v_turn public.training_turns;
  v_before integer;
  v_after integer;
  v_award jsonb;
  v_xp integer := 0;
  v_badges jsonb := '[]'::jsonb;
  v_status text := case when p_type is null then 'upheld' else 'corrected' end;
begin
  select u.* into v_user
    from public.users as u
   where u.id = (select d.user_id from public.training_disputes as d where d.id = p_dispute_id)
     for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = (
     select r.training_id
       from public.training_disputes as d
       join public.training_turns as r on r.id = d.turn_id
      where d.id = p_dispute_id
   )
     for update;
  select d.* into v_dispute from public.training_disputes as d where d.id = p_dispute_id for update;
  if v_dispute.id is null or v_user.id is null then
    return jsonb_build_object('outcome', 'none');
  elsif v_dispute.status <> 'open' then
    return jsonb_build_object('outcome', 'known', 'status', v_dispute.status);
  elsif p_type is not null and not exists (
    select from jsonb_array_elements(v_training.rules -> 'types') as t (type) where t.type ->> 'id' = p_type
  ) then
    raise exception 'the scenario has no such type' using errcode = 'N0008';
  end if;
  select r.* into v_turn from public.training_turns as r where r.id = v_dispute.turn_id;
  v_before := (v_training.result ->> 'score')::integer;
  v_after := v_before;
  if p_type is not null then
    update public.training_turns as r
       set type = p_type,
           is_contextual = p_is_contextual and coalesce(v_training.drill_type, p_type) = p_type,
           why = case when v_training.drill_type <> p_type then 'other_type' else 'counted' end,
           points = 0
     where r.id = v_turn.id;
    v_training := private.recount_training(v_training);
    v_after := (v_training.result ->> 'score')::integer;
    if private.training_counts(v_training) then
      perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
      v_award := private.correct_training_xp(v_training, v_before, v_after, 'dispute:' || v_dispute.id);
      v_xp := coalesce((v_award ->> 'points')::integer, 0);
      v_badges := private.award_due_badges(
        v_user.id, v_training.bot,
        private.training_facts(v_training, v_after, (v_training.result ->> 'chains')::integer)
      );
      perform private.count_for_task(v_training);
    end if;
  end if;
  update public.training_disputes as d
     set status = v_status, corrected_type = p_type, score_before = v_before, score_after = v_after,
         decided_at = private.clock()
   where d.id = v_dispute.id;
  perform private.write_audit(
    v_email, 'decide_dispute', v_user.id, p_reference,
    jsonb_build_object('training', v_training.id, 'line', v_turn.position, 'type', v_dispute.type, 'score', v_before),
    jsonb_build_object('type', coalesce(p_type, v_dispute.type), 'score', v_after, 'xp', v_xp, 'decision', v_status)
  );
  return jsonb_build_object(
    'outcome', v_status,
    'outgoing', private.enqueue_user_message(
      v_user.id, v_training.bot, 'trainer_dispute_' || v_status,
      jsonb_build_object('question', left(v_turn.question, 200), 'before', v_before, 'after', v_after, 'xp', v_xp),
      jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'trainer_result_button', 'data', 'result:' || v_training.id))
      )
    )
      || private.announce_level(v_user.id, v_training.bot, v_award)
      || private.announce_badges(v_user.id, v_training.bot, v_badges)
  ) || case
    when p_type is null then '{}'::jsonb
    else jsonb_build_object('before', v_before, 'after', v_after, 'xp', v_xp)
  end;
end
$$;

revoke all on function public.admin_decide_dispute from public, anon, authenticated, service_role;
grant execute on function public.admin_decide_dispute to bot_backend;
comment on function public.admin_decide_dispute is 'Decides about a disputed line in an admin''s name';
