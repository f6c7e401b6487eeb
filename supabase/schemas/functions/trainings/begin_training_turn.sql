-- Begins a turn of the open training: leases it for one update, and decides whether the AI may be used.
--
-- p_reference: the update's reference; it names the turn. p_cost: US dollars that the turn may cost at most.
-- p_lease_seconds: for how long other messages of the user wait.
--
-- Concurrency: the update's row and the training are locked. Of two messages at once the second finds the lease of the
--   first and is refused; a redelivery of the same update takes its own lease again; a turn that was recorded is
--   returned and begins nothing.
-- Locks: update row, user (KEY SHARE), training; near the bot's cost limit as private.is_within_bot_cost_limit.
-- Returns: jsonb
--   outcome: 'work' | 'known' | 'busy' | 'none' | 'no_access' | 'over' | 'superseded'   (over: it takes no
--     more questions)
--   training?: private.training_state     (work, known, busy, over)
--   turn?: private.training_turn          (known)
--   reason?: 'time' | 'limit'             (over: of the exam; of questions or messages)
--   may_use_ai?: boolean                  (work: the daily cost limits leave p_cost)
--   access?: private.resolve_access       (no_access)
-- Errors: none.
create or replace function public.begin_training_turn(
  p_bot text, p_update_id bigint, p_attempt integer, p_reference text, p_cost numeric, p_lease_seconds integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_update public.telegram_updates;
  v_user public.users;
  v_training public.trainings;
  v_turn public.training_turns;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt
    or not private.lock_user(v_update)
  then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  select r.* into v_turn
    from public.training_turns as r
    join public.trainings as t on t.id = r.training_id
   where t.user_id = v_update.user_id and t.bot = p_bot and r.reference = p_reference;
  if found then
    select t.* into v_training from public.trainings as t where t.id = v_turn.training_id;
    return jsonb_build_object(
      'outcome', 'known', 'training', private.training_state(v_training), 'turn', private.training_turn(v_training, v_turn)
    );
  end if;
  v_training := private.find_open_training(v_update.user_id, p_bot);
  v_now := private.clock();  -- waiting for the locks takes time
  if v_training.id is null then
    return jsonb_build_object('outcome', 'none');
  elsif v_training.turn_lease_until > v_now and v_training.turn_reference <> p_reference then
    return jsonb_build_object('outcome', 'busy', 'training', private.training_state(v_training));
  elsif private.exam_ends_at(v_training) <= v_now then
    return jsonb_build_object('outcome', 'over', 'training', private.training_state(v_training), 'reason', 'time');
  elsif v_training.mode <> 'reversed'
    and (
      v_training.question_count >= (v_training.rules ->> 'max_questions')::integer
      or v_training.turns >= (v_training.rules ->> 'max_turns')::integer
    )
  then
    -- The process ended between the last turn and the result.
    return jsonb_build_object('outcome', 'over', 'training', private.training_state(v_training), 'reason', 'limit');
  end if;
  if v_training.access_type is null then
    select u.* into v_user from public.users as u where u.id = v_update.user_id;
    if not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then
      return jsonb_build_object('outcome', 'no_access', 'access', private.resolve_access(v_user, 1));
    end if;
  end if;
  update public.trainings as t
     set turn_reference = p_reference, turn_lease_until = v_now + make_interval(secs => p_lease_seconds)
   where t.id = v_training.id;
  return jsonb_build_object(
    'outcome', 'work', 'training', private.training_state(v_training),
    'may_use_ai', private.may_spend(v_update, p_cost)
  );
end
$$;

revoke all on function public.begin_training_turn from public, anon, authenticated, service_role;
grant execute on function public.begin_training_turn to bot_backend;
comment on function public.begin_training_turn is 'Begins a turn of the open training';
