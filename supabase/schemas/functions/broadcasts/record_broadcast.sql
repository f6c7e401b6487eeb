-- Records what became of messages that a claim gave. p_results: [{broadcast_id, user_id, outcome, message_id, error}], with the
-- outcomes sent, failed, blocked, unknown (the answer of Telegram was lost) and later (Telegram did not take it: it is queued
-- again). p_pause: seconds for which broadcasts of the bot wait, after a 429 or errors of Telegram.
-- A broadcast of which 20 messages failed and none was sent is paused.
--
-- Concurrency: a message is recorded once, also after its lease has passed, when it counts as unknown; then later leaves it so.
-- Locks: users (NO KEY UPDATE) by id, sessions of those who blocked the bot, pace of the bot, recipients, consents, broadcasts
--   by id.
-- Returns: jsonb
--   recorded: int
-- Errors: none.
create or replace function public.record_broadcast(p_bot text, p_results jsonb, p_pause double precision default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_recorded integer;
  v_counts record;
begin
  perform from public.users as u
    where u.id = any (array(select (r.value ->> 'user_id')::bigint from jsonb_array_elements(p_results) as r (value)))
    order by u.id
      for no key update;
  perform private.set_blocked(b.telegram_id, p_bot, true)
    from (
      select u.telegram_id
        from jsonb_array_elements(p_results) as r (value)
        join public.users as u on u.id = (r.value ->> 'user_id')::bigint
       where r.value ->> 'outcome' = 'blocked'
       order by u.telegram_id
    ) as b;
  if p_pause is not null then
    update private.bot_pace as p
       set paused_until = greatest(p.paused_until, v_now + make_interval(secs => p_pause))
     where p.bot = p_bot;
  end if;
  for v_counts in
    with results as (
      select (r.value ->> 'broadcast_id')::bigint as broadcast_id, (r.value ->> 'user_id')::bigint as user_id,
             r.value ->> 'outcome' as outcome, (r.value ->> 'message_id')::bigint as message_id,
             left(r.value ->> 'error', 300) as error
        from jsonb_array_elements(p_results) as r (value)
    ), held as (
      select t.broadcast_id, t.user_id, t.status
        from public.broadcast_recipients as t
        join results as n using (broadcast_id, user_id)
       where t.status = 'sending' or (t.status = 'unknown' and n.outcome not in ('later', 'unknown'))
       order by t.broadcast_id, t.user_id
         for update of t
    ), changed as (
      update public.broadcast_recipients as t
         set status = case n.outcome when 'later' then 'queued' else n.outcome end,
             error = n.error,
             message_id = n.message_id,
             lease_until = null,
             send_after = case n.outcome when 'later' then v_now else t.send_after end,
             sent_at = case when n.outcome in ('sent', 'unknown') then coalesce(t.sent_at, v_now) end
        from held as h
        join results as n using (broadcast_id, user_id)
       where t.broadcast_id = h.broadcast_id and t.user_id = h.user_id
      returning t.broadcast_id, t.user_id, n.outcome, h.status = 'unknown' as was_unknown
    ), contacted as (
      insert into public.message_consents as c (user_id, last_contact_at)
      select n.user_id, v_now from changed as n where n.outcome in ('sent', 'unknown') order by n.user_id
      on conflict (user_id) do update set last_contact_at = excluded.last_contact_at
      returning c.user_id
    ), freed as (
      -- A message that did not arrive is not the one of the week.
      update public.message_consents as c
         set last_marketing_at = null
        from changed as n
       where n.outcome in ('failed', 'blocked') and c.user_id = n.user_id and c.last_marketing_by = n.broadcast_id
      returning c.user_id
    )
    select n.broadcast_id,
           count(*) as recorded,
           count(*) filter (where n.outcome = 'sent') as sent,
           count(*) filter (where n.outcome = 'failed') as failed,
           count(*) filter (where n.outcome = 'blocked') as blocked,
           count(*) filter (where n.outcome = 'unknown') - count(*) filter (where n.was_unknown) as unknown
      from changed as n
     group by n.broadcast_id
     order by n.broadcast_id
  loop
    v_recorded := coalesce(v_recorded, 0) + v_counts.recorded;
    update public.broadcasts as b
       set sent = b.sent + v_counts.sent, failed = b.failed + v_counts.failed, blocked = b.blocked + v_counts.blocked,
           unknown = b.unknown + v_counts.unknown,
           -- Something is wrong with the message itself.
           status = case
             when b.status = 'running' and b.sent + v_counts.sent = 0 and b.failed + v_counts.failed >= 20 then 'paused'
             else b.status
           end
     where b.id = v_counts.broadcast_id;
    if v_counts.sent > 0 then
      perform private.count_broadcast_hour(v_counts.broadcast_id, v_counts.sent, 0);
    end if;
  end loop;
  return jsonb_build_object('recorded', coalesce(v_recorded, 0));
end
$$;

revoke all on function public.record_broadcast from public, anon, authenticated, service_role;
grant execute on function public.record_broadcast to bot_backend;
comment on function public.record_broadcast is 'Records what became of messages of broadcasts';
