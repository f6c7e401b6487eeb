-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: stale update rows (FOR UPDATE SKIP LOCKED) by user id, each with its user (KEY SHARE, then as
--   private.release_usage); then one kind after another, SKIP LOCKED.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms)
-- Errors: none.
create or replace function public.sweep(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_stale public.telegram_updates;
  v_released integer := 0;
  v_updates integer;
  v_messages integer;
  v_erased integer;
  v_subscriptions integer;
  v_months integer;
begin
  for v_stale in
    select t.*
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < v_now - interval '30 seconds'
       and t.received_at < v_now - interval '10 minutes'
       and t.reservation = 'reserved'
     order by t.user_id
     limit p_limit
       for update skip locked
  loop
    continue when not private.lock_user(v_stale);
    perform private.release_usage(
      v_stale.user_id, v_stale.bot, v_stale.reserved_on, v_stale.reserved_from
    );
    update public.telegram_updates as t
       set reservation = null, reserved_on = null, reserved_from = null, reserved_cost = null
     where t.bot = v_stale.bot and t.update_id = v_stale.update_id;
    v_released := v_released + 1;
  end loop;

  delete from public.telegram_updates as t
   using (
     select o.bot, o.update_id
       from public.telegram_updates as o
      where o.received_at < v_now - make_interval(hours => private.setting('retention_updates_hours')::integer)
        and (
          o.status <> 'dead_lettered'
          or o.received_at < v_now - make_interval(days => private.setting('retention_dead_letters_days')::integer)
        )
      order by o.received_at
      limit p_limit
        for update skip locked
   ) as old
   where t.bot = old.bot and t.update_id = old.update_id;
  get diagnostics v_updates = row_count;

  delete from public.messages as m
   using (
     select o.id
       from public.messages as o
      where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
      order by o.created_at
      limit p_limit
        for update skip locked
   ) as old
   where m.id = old.id;
  get diagnostics v_messages = row_count;
  v_erased := private.expire_tombstones(p_limit);
  v_subscriptions := private.expire_subscriptions(p_limit);
  v_months := private.maintain_usage_partitions();
  return jsonb_build_object(
    'released', v_released,
    'updates', v_updates,
    'messages', v_messages,
    'erased', v_erased,
    'subscriptions', v_subscriptions,
    'months', v_months,
    'alarms', private.enqueue_waiting_alarms(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';
