-- Records that processing an update failed, and releases its lease. The reserved request is released unless an AI
-- provider charged for it; then it stays settled and the next attempt reserves no other. After three failures of our
-- own code the update is dead-lettered, so it cannot block its chat for a day.
--
-- p_counts is false when the database, the network or a deployment failed and not our code; p_final dead-letters at
-- once. p_answer (the apology) and p_alert (values of the admins' alarm) are used only for a dead-lettered update.
-- p_usage: the calls to AI providers so far (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared; a worker that lost its lease changes nothing. A repeated
--   call for a dead-lettered update returns the stored answer.
-- Locks: update row, user (KEY SHARE), then as private.release_usage and private.record_usage.
-- Returns: jsonb
--   outcome: 'retry' | 'dead_lettered' | 'superseded'
--   failures?: int         (retry, dead_lettered)
--   answer?: jsonb         (retry, dead_lettered)
-- Errors: none.
create or replace function public.fail_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_error text,
  p_counts boolean default true,
  p_final boolean default false,
  p_answer jsonb default null,
  p_alert jsonb default null,
  p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_failures integer;
  v_is_dead_letter boolean;
  v_is_paid boolean;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status = 'dead_lettered' and v_update.attempt = p_attempt then
    return jsonb_build_object(
      'outcome', 'dead_lettered', 'failures', v_update.failures, 'answer', v_update.answer
    );
  elsif v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return jsonb_build_object('outcome', 'superseded');
  elsif not private.lock_user(v_update) then  -- erased concurrently
    return jsonb_build_object('outcome', 'superseded');
  end if;

  v_is_paid := coalesce(
    v_update.reservation = 'settled' or v_update.reservation = 'reserved' and private.has_billed_call(p_usage), false
  );
  if v_update.reservation = 'reserved' and not v_is_paid then
    perform private.release_usage(
      v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from
    );
  end if;
  perform private.record_usage(v_update, p_usage, coalesce(v_is_paid and v_update.reservation = 'reserved', false));
  v_failures := v_update.failures + p_counts::integer;
  v_is_dead_letter := p_final or v_failures >= 3;
  if v_is_dead_letter and p_alert is not null then
    perform private.notify_admins('owner_alert', p_alert, p_bot => p_bot);
  end if;
  update public.telegram_updates as t
     set status = case when v_is_dead_letter then 'dead_lettered' else 'failed' end,
         failures = v_failures,
         lease_until = case when not v_is_dead_letter then private.clock() end,
         reservation = case when v_is_paid then 'settled' end,
         reserved_on = case when v_is_paid then t.reserved_on end,
         reserved_from = case when v_is_paid then t.reserved_from end,
         reserved_cost = null,
         answer = case when v_is_dead_letter then p_answer end,
         error = left(p_error, 2000)
   where t.bot = p_bot and t.update_id = p_update_id;
  return jsonb_build_object(
    'outcome', case when v_is_dead_letter then 'dead_lettered' else 'retry' end,
    'failures', v_failures,
    'answer', case when v_is_dead_letter then p_answer end
  );
end
$$;

revoke all on function public.fail_update from public, anon, authenticated, service_role;
grant execute on function public.fail_update to bot_backend;
comment on function public.fail_update is 'Records a failure; the third one dead-letters the update';
