-- Named task messages.

-- Enqueues a message about a task for its member, with a button that starts it.
--
-- Concurrency: every call enqueues one message; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the message to deliver now (outgoing).
-- Errors: none.
create or replace function private.task_message(p_task_id bigint, p_key text)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select private.enqueue_user_message(
      k.user_id, t.bot, p_key,
      jsonb_build_object(
        'team', jsonb_build_object(
          'name', t.name, 'assignment', private.assignment_card(a), 'number', k.number, 'rounds', a.repetitions
        ),
        -- Texts of an earlier revision, which may deliver the message, name these two.
        'number', k.number,
        'rounds', a.repetitions,
        -- The day as such, whatever time zone it is shown in.
        'until', jsonb_build_object('date', (k.due_on + time '12:00') at time zone private.setting('quota_timezone'))
      ),
      jsonb_build_array(jsonb_build_array(jsonb_build_object('key', 'team_start_button', 'data', 'task:' || k.id)))
    )
    from public.assignment_tasks as k
    join public.assignments as a on a.id = k.assignment_id
    join public.teams as t on t.id = k.team_id
   where k.id = p_task_id;
$$;

revoke all on function private.task_message from public, anon, authenticated, service_role;
comment on function private.task_message is 'Enqueues a message about a task for its member, with a button that starts it';

-- Disputes the points of a line of a finished training: the admins are notified, once a line and at most 20 times in 24
-- hours for a user, with buttons to uphold the points or to correct the label (public.admin_decide_dispute).
--
-- p_reason: what the user says about it; at most 500 characters are kept.
--
-- Concurrency: user and turn are locked; of two taps one notifies, and the limit holds.
-- Locks: user (NO KEY UPDATE), turn.
-- Returns: jsonb
--   outcome: 'sent' | 'known' | 'limit' | 'none'    (none: no such line in a finished training of the user)
--   outgoing?: outgoing                             (sent: to deliver now)
-- Errors: none.
create or replace function public.dispute_training_turn(
  p_user_id bigint, p_training_id bigint, p_position integer, p_reason text default ''
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_training public.trainings;
  v_turn public.training_turns;
  v_id bigint;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'finished' and t.mode <> 'reversed';
  select r.* into v_turn
    from public.training_turns as r
   where r.training_id = v_training.id and r.position = p_position
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_turn.disputed_at is not null then
    return jsonb_build_object('outcome', 'known');
  elsif 20 <= (
    select count(*)
      from public.trainings as t
      join public.training_turns as r on r.training_id = t.id
     where t.user_id = p_user_id and r.disputed_at > private.clock() - interval '1 day'
  ) then
    return jsonb_build_object('outcome', 'limit');
  end if;
  update public.training_turns as r set disputed_at = private.clock() where r.id = v_turn.id;
  insert into public.training_disputes as d (turn_id, user_id, type, reason)
  values (v_turn.id, p_user_id, v_turn.type, left(coalesce(p_reason, ''), 500))
  returning d.id into v_id;
  return jsonb_build_object(
    'outcome', 'sent',
    'outgoing', private.notify_admins(
      'admin_training_dispute',
      jsonb_build_object(
        'user', v_user.telegram_id,
        'training', v_training.id::text,
        'scenario', jsonb_build_object('scenario', v_training.scenario),
        'case', jsonb_build_object('case', v_training.case_id, 'scenario', v_training.scenario),
        'number', v_turn.position,
        'question', left(v_turn.question, 500),
        'answer', coalesce(
          (
            select left(b.reply, 500)
              from public.training_turns as b
             where b.training_id = v_training.id and b.position = v_turn.position - 1
          ),
          '—'
        ),
        'type', jsonb_build_object('type', v_turn.type, 'scenario', v_training.scenario),
        'why', v_turn.why,
        'points', v_turn.points,
        'reason', coalesce(nullif(left(p_reason, 500), ''), '—')
      ),
      jsonb_build_array(
        jsonb_build_array(
          jsonb_build_object('key', 'trainer_uphold_button', 'data', 'verdict:' || v_id || ':uphold'),
          jsonb_build_object('key', 'trainer_correct_button', 'data', 'verdict:' || v_id || ':correct')
        )
      ),
      p_bot => v_training.bot
    )
  );
end
$$;

revoke all on function public.dispute_training_turn from public, anon, authenticated, service_role;
grant execute on function public.dispute_training_turn to bot_backend;
comment on function public.dispute_training_turn is 'Disputes the points of a line of a finished training';
