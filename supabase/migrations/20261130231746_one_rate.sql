-- One rate for all jobs of a bot. The setting keeps what an owner has set.

-- Only functions that this migration writes anew used it, and its rows last for seconds; no release had it.
-- unused since 20261121184811: no release had it
-- squawk-ignore ban-drop-table
drop table private.broadcast_pace;

-- How fast the jobs of a bot send: broadcasts, reminders, the quiz and courses share one rate. Answers to users are not in it.

create table private.bot_pace (
  bot text primary key,
  next_at timestamptz not null default private.clock(),
  paused_until timestamptz
);

comment on table private.bot_pace is 'How fast the jobs of a bot send, all together';
comment on column private.bot_pace.next_at is 'When the next batch may go out';
comment on column private.bot_pace.paused_until is 'Until when Telegram asked to wait (429), or after its errors; null: no pause';
alter table private.bot_pace enable row level security;
revoke all on table private.bot_pace from public, anon, authenticated, service_role;

-- Locks the pace of a bot and returns how many messages of broadcasts it may send now. What ordinary messages of the bot wait in
-- the outbox comes first.
--
-- Concurrency: the row is locked until the end of the transaction, so that all jobs of the bot together keep the pace.
-- Locks: pace of the bot.
-- Returns: (room, wait), how many messages, and where there is no room the seconds to wait.
-- Errors: none.
create or replace function private.broadcast_room(
  p_bot text, p_limit integer, out room integer, out wait double precision
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_pace private.bot_pace;
  v_now timestamptz;
begin
  v_pace := private.lock_pace(p_bot);
  v_now := private.clock();
  room := least(p_limit, private.setting('message_rate')::integer);
  wait := extract(epoch from greatest(v_pace.next_at, v_pace.paused_until) - v_now);
  if wait > 0 then
    room := 0;
    return;
  end if;
  room := greatest(room - private.count_waiting(p_bot, v_now, room), 0);
  wait := 1;
end
$$;

revoke all on function private.broadcast_room from public, anon, authenticated, service_role;
comment on function private.broadcast_room is 'How many messages of broadcasts a bot may send now';

-- Claims messages of a broadcast that are to be deleted again, at most p_limit: those younger than 48 hours, which Telegram still
-- deletes; of one bot, at its pace. The last call ends the deletion.
--
-- Concurrency: the broadcast is locked, so calls follow each other; a message whose deletion was not recorded is claimed again.
-- Locks: broadcast, pace of the bot, recipients by user.
-- Returns: jsonb
--   is_open: boolean
--   wait: float                (seconds until the next call)
--   messages: [{ broadcast_id: bigint, user_id: bigint, bot: text, chat_id: bigint, message_id: bigint }]
-- Errors: none.
create or replace function public.claim_deletions(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_row public.broadcasts;
  v_bot text;
  v_room integer := p_limit;
  v_wait double precision := 0;
  v_messages jsonb := '[]'::jsonb;
begin
  select b.* into v_row from public.broadcasts as b where b.deleting_after is not null order by b.id limit 1 for update;
  if not found then
    return jsonb_build_object('is_open', false, 'wait', 0, 'messages', v_messages);
  end if;
  select r.bot
    into v_bot
    from public.broadcast_recipients as r
   where r.broadcast_id = v_row.id and r.user_id > v_row.deleting_after and r.status = 'sent'
     and r.message_id is not null and r.sent_at > v_now - interval '48 hours'
   order by r.user_id
   limit 1;
  if found then
    select r.room, r.wait into v_room, v_wait from private.broadcast_room(v_bot, p_limit) as r;
    if v_room = 0 then
      return jsonb_build_object('is_open', true, 'wait', v_wait, 'messages', v_messages);
    end if;
  end if;
  with due as (
    select r.user_id, r.bot
      from public.broadcast_recipients as r
     where r.broadcast_id = v_row.id and r.user_id > v_row.deleting_after and r.status = 'sent'
       and r.message_id is not null and r.sent_at > v_now - interval '48 hours'
     order by r.user_id
     limit v_room
       for update
  ), of_bot as (
    -- Up to the first message of another bot: the broadcast remembers one user up to which it is done.
    select d.user_id
      from due as d
     where d.bot = v_bot and not exists (select from due as e where e.user_id < d.user_id and e.bot <> v_bot)
  ), claimed as (
    update public.broadcast_recipients as r
       set status = 'deleting', lease_until = v_now + interval '2 minutes'
      from of_bot as d
     where r.broadcast_id = v_row.id and r.user_id = d.user_id
    returning r.user_id, r.bot, r.message_id
  )
  select coalesce(
      jsonb_agg(jsonb_build_object(
        'broadcast_id', v_row.id, 'user_id', c.user_id, 'bot', c.bot, 'chat_id', u.telegram_id, 'message_id', c.message_id
      ) order by c.user_id),
      '[]'::jsonb
    )
    into v_messages
    from claimed as c
    join public.users as u on u.id = c.user_id;
  update public.broadcasts as b
     set deleting_after = case
       when v_messages <> '[]' then (v_messages -> -1 ->> 'user_id')::bigint
       when exists (
         select from public.broadcast_recipients as r where r.broadcast_id = v_row.id and r.status = 'deleting'
       ) then b.deleting_after
     end
   where b.id = v_row.id;
  if v_messages <> '[]' then
    perform private.use_broadcast_room(v_bot, jsonb_array_length(v_messages));
  end if;
  return jsonb_build_object('is_open', v_messages <> '[]', 'wait', 0, 'messages', v_messages);
end
$$;

revoke all on function public.claim_deletions from public, anon, authenticated, service_role;
grant execute on function public.claim_deletions to bot_backend;
comment on function public.claim_deletions is 'Claims messages of a broadcast that are to be deleted';

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

-- Moves the pace of a bot on by messages of broadcasts that it sends now.
--
-- Concurrency: the caller holds the row (private.broadcast_room).
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.use_broadcast_room(p_bot text, p_count integer)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update private.bot_pace as p
     set next_at = private.clock() + make_interval(secs => p_count / private.setting('message_rate')::double precision)
   where p.bot = p_bot;
$$;

revoke all on function private.use_broadcast_room from public, anon, authenticated, service_role;
comment on function private.use_broadcast_room is 'Counts messages of broadcasts that a bot sends now';

-- Counts the ordinary messages of a bot that wait in the outbox, up to p_limit.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.count_waiting(p_bot text, p_now timestamptz, p_limit integer)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from (
      select
        from public.telegram_outbox as o
       where o.bot = p_bot and o.send_after <= p_now
       limit p_limit
    ) as w;
$$;

revoke all on function private.count_waiting from public, anon, authenticated, service_role;
comment on function private.count_waiting is 'Counts the messages of a bot that wait in the outbox';

-- Locks the pace of a bot until the end of the transaction.
--
-- Concurrency: the first call for a bot makes the row; of two at once the second waits for it.
-- Locks: pace of the bot.
-- Returns: private.bot_pace
-- Errors: none.
create or replace function private.lock_pace(p_bot text)
returns private.bot_pace
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_pace private.bot_pace;
begin
  select p.* into v_pace from private.bot_pace as p where p.bot = p_bot for update;
  if not found then
    insert into private.bot_pace (bot) values (p_bot) on conflict (bot) do nothing;
    select p.* into v_pace from private.bot_pace as p where p.bot = p_bot for update;
  end if;
  return v_pace;
end
$$;

revoke all on function private.lock_pace from public, anon, authenticated, service_role;
comment on function private.lock_pace is 'Locks the pace of a bot';

-- Reserves the next place of a bot for p_count messages of a job, at the rate that all jobs of the bot share. What ordinary messages
-- of the bot wait in the outbox comes first. Nothing is reserved when the place comes later than p_patience seconds.
--
-- Concurrency: the row is locked, so that places of all jobs follow each other.
-- Locks: pace of the bot.
-- Returns: jsonb
--   is_reserved: boolean
--   wait: float                (seconds until the messages may go out)
-- Errors: none.
create or replace function public.reserve_messages(p_bot text, p_count integer, p_patience double precision)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rate constant double precision := private.setting('message_rate')::double precision;
  v_pace private.bot_pace;
  v_now timestamptz;
  v_wait double precision;
begin
  v_pace := private.lock_pace(p_bot);
  v_now := private.clock();
  v_wait := greatest(extract(epoch from greatest(v_pace.next_at, v_pace.paused_until) - v_now), 0)
    + private.count_waiting(p_bot, v_now, v_rate::integer) / v_rate;
  if v_wait > p_patience then
    return jsonb_build_object('is_reserved', false, 'wait', v_wait);
  end if;
  update private.bot_pace as p
     set next_at = v_now + make_interval(secs => v_wait + p_count / v_rate)
   where p.bot = p_bot;
  return jsonb_build_object('is_reserved', true, 'wait', v_wait);
end
$$;

revoke all on function public.reserve_messages from public, anon, authenticated, service_role;
grant execute on function public.reserve_messages to bot_backend;
comment on function public.reserve_messages is 'Reserves the next place of a bot for messages of a job';

update private.settings
   set key = 'message_rate',
       about = 'Messages that all jobs of a bot together send in a second: broadcasts, reminders, the quiz, courses. Telegram takes about 30 of all kinds'
 where key = 'broadcast_rate';
