-- Disputes the points of a line of a finished training: the admins are notified, once a line and at most 20 times in 24
-- hours for a user.
--
-- Concurrency: user and turn are locked; of two taps one notifies, and the limit holds.
-- Locks: user (NO KEY UPDATE), turn.
-- Returns: jsonb
--   outcome: 'sent' | 'known' | 'limit' | 'none'    (none: no such line in a finished training of the user)
--   outgoing?: outgoing                             (sent: to deliver now)
-- Errors: none.
create or replace function public.dispute_training_turn(p_user_id bigint, p_training_id bigint, p_position integer)
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
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'finished';
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
  return jsonb_build_object(
    'outcome', 'sent',
    'outgoing', private.notify_admins(
      'admin_training_dispute',
      jsonb_build_object(
        'user', v_user.telegram_id,
        'training', v_training.id::text,
        'scenario', v_training.scenario,
        'case', v_training.case_id,
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
        'type', v_turn.type,
        'why', v_turn.why,
        'points', v_turn.points
      ),
      p_bot => v_training.bot
    )
  );
end
$$;

revoke all on function public.dispute_training_turn from public, anon, authenticated, service_role;
grant execute on function public.dispute_training_turn to bot_backend;
comment on function public.dispute_training_turn is 'Disputes the points of a line of a finished training';
