-- Finish trainer.

-- The successor has one parameter more, with a default.
-- squawk-ignore ban-drop-function
drop function public.record_review(p_user_id bigint, p_bot text, p_reference text, p_draft_id bigint, p_review jsonb);

-- Stores the review of a conversation that public.claim_review leased, and deletes its draft. It consumes the access to one
-- training, and computes the points as those of a training. It changes neither the history nor XP, badges or the streak.
--
-- p_review: {scenario, version, language, rules, source: 'ai' | 'patterns', left_out, lines}. lines: [{question, reply, type,
-- is_contextual, used_fragment, source, is_repeated}], the seller's questions in their order. p_parts: the number of messages
-- that were scored.
--
-- Concurrency: the user's row and the draft are locked. The draft names the review, so it is stored once; a worker whose
--   lease another update has taken changes nothing. A message that arrived during the scoring stays in the draft: nothing is
--   stored, and the lease ends.
-- Locks: user (NO KEY UPDATE), draft, then as public.consume_access.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'changed' | 'empty' | 'no_access' | 'superseded'
--                                        (changed: the draft has other messages; empty: no lines)
--   result?: private.training_result     (recorded, known)
--   draft?: private.review_draft         (changed)
-- Errors: none.
create or replace function public.record_review(
  p_user_id bigint, p_bot text, p_reference text, p_draft_id bigint, p_review jsonb, p_parts integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user public.users;
  v_draft public.review_drafts;
  v_training public.trainings;
  v_access jsonb;
  v_problem text;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.user_id = p_user_id and t.reference = concat('review:', p_draft_id);
  if found then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  end if;
  select d.* into v_draft
    from public.review_drafts as d
   where d.id = p_draft_id and d.user_id = p_user_id and d.bot = p_bot
     for update;
  if v_draft.lease_reference is distinct from p_reference then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  v_problem := case
    when jsonb_array_length(v_draft.parts) <> p_parts then 'changed'
    when jsonb_array_length(p_review -> 'lines') = 0 then 'empty'
    when not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then 'no_access'
  end;
  if v_problem is not null then
    update public.review_drafts as d set lease_reference = null, lease_until = null where d.id = v_draft.id;
    return jsonb_build_object('outcome', v_problem) || case
      when v_problem = 'changed' then jsonb_build_object('draft', private.review_draft(v_draft))
      else '{}'::jsonb
    end;
  end if;

  v_now := private.clock();
  insert into public.trainings as t (
    user_id, bot, scenario, version, case_id, mode, difficulty, language, rules, reference, status, turns, result,
    created_at, first_question_at, updated_at, finished_at
  )
  values (
    p_user_id, p_bot, p_review ->> 'scenario', (p_review ->> 'version')::integer, 'conversation', 'review', 'medium',
    p_review ->> 'language', p_review -> 'rules', concat('review:', p_draft_id), 'finished',
    jsonb_array_length(p_review -> 'lines'),
    jsonb_build_object(
      'is_scored', true, 'is_fast', false, 'reason', 'review', 'chains', 0, 'before', null, 'maestro_streak', null,
      'xp', null, 'streak', null, 'badges', '[]'::jsonb,
      'review', jsonb_build_object('source', p_review ->> 'source', 'left_out', (p_review ->> 'left_out')::integer)
    ),
    v_now, v_now, v_now, v_now
  )
  returning t.* into v_training;
  insert into public.training_turns as r (
    training_id, reference, position, question, reply, kind, type, why, is_contextual, is_copied, used_fragment,
    touches, revealed, source, points, clarity_level, created_at
  )
  select
    v_training.id, concat(p_reference, ':', l.number), l.number, l.line ->> 'question', l.line ->> 'reply', 'question',
    l.line ->> 'type', case when (l.line ->> 'is_repeated')::boolean then 'repeated' else 'counted' end,
    (l.line ->> 'is_contextual')::boolean and not (l.line ->> 'is_repeated')::boolean, false,
    l.line ->> 'used_fragment', '[]', '[]', l.line ->> 'source', 0, 0, v_now
    from jsonb_array_elements(p_review -> 'lines') with ordinality as l (line, number);
  v_access := private.consume_for_training(v_training, v_user.telegram_id);
  update public.trainings as t set access_type = v_access ->> 'access_type' where t.id = v_training.id;
  v_training := private.recount_training(v_training);
  delete from public.review_drafts as d where d.id = v_draft.id;
  return jsonb_build_object('outcome', 'recorded', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.record_review from public, anon, authenticated, service_role;
grant execute on function public.record_review to bot_backend;
comment on function public.record_review is 'Stores the review of a conversation';
