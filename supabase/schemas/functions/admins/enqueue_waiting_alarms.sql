-- Enqueues the alarms that waited for their admin's first message to a bot, oldest first, to be sent at once. Alarms
-- for any admin go to one whom a bot may write to. Alarms past their retention are deleted.
--
-- Concurrency: an alarm is deleted by the transaction that enqueues it, and skipped by all others meanwhile. An alarm
--   that was stored while its admin wrote for the first time is found by the next sweep.
-- Locks: the admins' users (KEY SHARE), then waiting alarms; locked rows are left to the next sweep.
-- Returns: integer, how many were enqueued.
-- Errors: none.
create or replace function private.enqueue_waiting_alarms(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_alarm record;
  v_ids bigint[] := array[]::bigint[];
begin
  delete from private.waiting_alarms as w
   where w.created_at < private.clock() - make_interval(days => private.setting('retention_alarms_days')::integer);
  for v_alarm in
    with ready as (
      select w.id, t.user_id, t.to_bot
        from private.waiting_alarms as w
        cross join lateral (
          select u.id as user_id, private.reachable_bot(u.id, u.telegram_id, w.bot) as to_bot
            from private.admin_accounts() as a
            join public.users as u on u.telegram_id = a.telegram_id
           where (w.email is null or a.email = w.email)
             and private.reachable_bot(u.id, u.telegram_id, w.bot) is not null
           order by a.created_at, a.email
           limit 1
             for key share of u skip locked
        ) as t
       order by w.id
       limit p_limit
         for update of w skip locked
    ), gone as (
      delete from private.waiting_alarms as w
       using ready as r
       where w.id = r.id
      returning w.id, w.key, w.values, w.buttons, r.user_id, r.to_bot
    )
    select g.* from gone as g order by g.id
  loop
    v_ids := v_ids || (
      private.enqueue_user_message(v_alarm.user_id, v_alarm.to_bot, v_alarm.key, v_alarm.values, v_alarm.buttons)
      -> 0 ->> 'id'
    )::bigint;
  end loop;
  -- Enqueued calls are reserved for their caller for a minute; this caller does not deliver them.
  update public.telegram_outbox as o set send_after = private.clock() where o.id = any(v_ids);
  return cardinality(v_ids);
end
$$;

revoke all on function private.enqueue_waiting_alarms from public, anon, authenticated, service_role;
comment on function private.enqueue_waiting_alarms is 'Enqueues the alarms that waited for their admin''s first message';
