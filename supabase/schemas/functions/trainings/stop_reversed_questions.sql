-- Ends the questions of a training with reversed roles: the one that waits for an answer is dropped, and what the user writes
-- from now on is no answer. Without any answer nothing changes: there is nothing to judge.
--
-- Concurrency: the user's row and the training are locked; an answer that is being recorded is recorded first. A repeated
--   call changes nothing.
-- Locks: user (NO KEY UPDATE), training, turn.
-- Returns: jsonb
--   outcome: 'stopped' | 'busy' | 'none'     (busy: an answer is being recorded; none: no such open training)
--   training?: private.training_state        (stopped)
-- Errors: none.
create or replace function public.stop_reversed_questions(p_user_id bigint, p_training_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_training public.trainings;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed' and t.status = 'open'
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_training.turn_lease_until > private.clock() then
    return jsonb_build_object('outcome', 'busy');
  elsif v_training.question_count > 0 then
    delete from public.training_turns as r where r.training_id = v_training.id and r.reply = '';
  end if;
  return jsonb_build_object('outcome', 'stopped', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.stop_reversed_questions from public, anon, authenticated, service_role;
grant execute on function public.stop_reversed_questions to bot_backend;
comment on function public.stop_reversed_questions is 'Ends the questions of a training with reversed roles';
