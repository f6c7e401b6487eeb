-- Reminders as rules of sequences. public.sequences has few rows, so its constraints are checked at once.
--
-- squawk-ignore-file constraint-missing-not-valid, ban-drop-constraint

alter table public.sequences add column reenter_days integer;

-- Queues the steps of sequences that are due, at most p_limit users, and ends the way of those who bought, replied, unsubscribed or
-- can no longer be reached. A step whose segment does not hold the user is skipped, and one without a text does not exist yet. In the quiet hours of a user a step waits.
--
-- Concurrency: runs are locked, skipped by other runs of the job; each step goes to a user once on each way through the sequence.
-- Locks: sequences of the event start, runs and users (KEY SHARE), both skipped where locked, then broadcasts and sequences.
-- Returns: jsonb
--   checked: int               (fewer than p_limit: none is left)
--   queued: int
-- Errors: none.
create or replace function public.advance_sequences(p_limit integer default 500)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_from constant integer := private.setting('broadcast_quiet_from')::integer;
  v_until constant integer := private.setting('broadcast_quiet_until')::integer;
  v_sequence public.sequences;
  v_due record;
  v_step public.broadcasts;
  v_next public.broadcasts;
  v_bot text;
  v_reason text;
  v_after timestamptz;
  v_entered integer;
  v_finished integer;
  v_left jsonb;
  v_checked integer := 0;
  v_queued integer := 0;
begin
  perform private.enter_started();
  for v_sequence in
    select s.* from public.sequences as s where s.is_active order by s.id
  loop
    v_entered := 0;
    v_finished := 0;
    v_left := '{}'::jsonb;
    for v_due in
      select q as run, u as person
        from public.sequence_runs as q
        join public.users as u on u.id = q.user_id
       where q.sequence_id = v_sequence.id and q.status = 'active' and q.due_at <= v_now
       order by q.due_at
       limit p_limit - v_checked
         for update of q skip locked
         for key share of u skip locked
    loop
      v_checked := v_checked + 1;
      v_entered := v_entered + (not (v_due.run).is_counted)::integer;
      v_bot := private.reachable_bot((v_due.person).id, (v_due.person).telegram_id, v_sequence.bot);
      v_reason := private.leave_reason(v_sequence, v_due.run, v_due.person, v_bot);
      v_after := private.after_quiet_hours(v_now, private.reminder_time_zone((v_due.person).id), v_from, v_until);
      if v_reason is null and v_after > v_now then
        update public.sequence_runs as q
           set due_at = v_after, is_counted = true
         where q.sequence_id = v_sequence.id and q.user_id = (v_due.person).id;
        continue;
      end if;
      v_next := null;
      if v_reason is null then
        select b.* into v_step
          from public.broadcasts as b
         where b.sequence_id = v_sequence.id and b.position > (v_due.run).position and private.is_written(b)
         order by b.position
         limit 1;
        if found then
          if private.is_in_segment((v_due.person).id, v_step.segment) then
            insert into public.broadcast_recipients as r (broadcast_id, user_id, bot, send_after)
            values (v_step.id, (v_due.person).id, v_bot, v_now)
            on conflict (broadcast_id, user_id) do update
              set status = 'queued', bot = excluded.bot, send_after = excluded.send_after, lease_until = null, error = null,
                  message_id = null, sent_at = null, clicked_at = null, bought_at = null
            where r.status not in ('queued', 'sending', 'deleting');
            if found then
              update public.broadcasts as b set total = b.total + 1 where b.id = v_step.id;
              v_queued := v_queued + 1;
            end if;
          else
            update public.broadcasts as b set total = b.total + 1, skipped = b.skipped + 1 where b.id = v_step.id;
          end if;
          select b.* into v_next
            from public.broadcasts as b
           where b.sequence_id = v_sequence.id and b.position > v_step.position and private.is_written(b)
           order by b.position
           limit 1;
        end if;
      end if;
      update public.sequence_runs as q
         set status = case when v_reason is not null then 'left' when v_next.id is null then 'finished' else 'active' end,
             reason = v_reason,
             is_counted = true,
             position = case when v_reason is null then coalesce(v_step.position, q.position) else q.position end,
             due_at = v_now + coalesce(make_interval(mins => v_next.delay_minutes), interval '0'),
             last_bot = v_bot,
             last_update_id = (
               select max(t.last_update_id)
                 from public.bot_sessions as t
                where t.user_id = q.user_id and t.bot = v_bot and t.chat_id = (v_due.person).telegram_id
             ),
             ended_at = case when v_reason is not null or v_next.id is null then v_now end
       where q.sequence_id = v_sequence.id and q.user_id = (v_due.person).id;
      if v_reason is not null then
        v_left := v_left || jsonb_build_object(v_reason, coalesce((v_left ->> v_reason)::bigint, 0) + 1);
      elsif v_next.id is null then
        v_finished := v_finished + 1;
      end if;
    end loop;
    if v_entered + v_finished > 0 or v_left <> '{}' then
      update public.sequences as s
         set entered = s.entered + v_entered,
             finished = s.finished + v_finished,
             left_counts = s.left_counts || (
               select coalesce(
                   jsonb_object_agg(l.key, coalesce((s.left_counts ->> l.key)::bigint, 0) + l.value::text::bigint), '{}'
                 )
                 from jsonb_each(v_left) as l
             )
       where s.id = v_sequence.id;
    end if;
    exit when v_checked >= p_limit;
  end loop;
  return jsonb_build_object('checked', v_checked, 'queued', v_queued);
end
$$;

revoke all on function public.advance_sequences from public, anon, authenticated, service_role;
grant execute on function public.advance_sequences to bot_backend;
comment on function public.advance_sequences is 'Queues the steps of sequences that are due';

-- Lets a user enter the first active sequence of an event that takes them, in place of the bot's own reminder. It takes those of its
-- segment whom its bot reaches; a marketing one leaves out users who unsubscribed.
--
-- Concurrency: the caller holds the row that the reminder is about and marks it, so that one cause has one reminder.
-- Locks: as private.enter_run.
-- Returns: boolean: a sequence takes care of the user, now or already; false: the bot's own reminder goes out.
-- Errors: none.
create or replace function private.enter_rule(p_user_id bigint, p_event text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence public.sequences;
  v_delay interval;
  v_bot text;
begin
  for v_sequence in
    select s.* from public.sequences as s where s.is_active and s.event = p_event order by s.id
  loop
    v_delay := private.first_delay(v_sequence.id);
    select private.reachable_bot(u.id, u.telegram_id, v_sequence.bot) into v_bot
      from public.users as u
     where u.id = p_user_id and u.banned_at is null;
    continue when v_delay is null
      or v_bot is null
      or v_bot <> coalesce(v_sequence.bot, v_bot)
      or not private.is_in_segment(p_user_id, v_sequence.segment)
      or (v_sequence.kind = 'marketing' and exists (
        select from public.message_consents as c where c.user_id = p_user_id and c.unsubscribed_at is not null
      ));
    if private.enter_run(v_sequence, p_user_id, private.clock() + v_delay)
      or exists (
        select
          from public.sequence_runs as q
         where q.sequence_id = v_sequence.id and q.user_id = p_user_id and q.status = 'active'
      )
    then
      return true;
    end if;
  end loop;
  return false;
end
$$;

revoke all on function private.enter_rule from public, anon, authenticated, service_role;
comment on function private.enter_rule is 'Lets a user enter the first sequence of an event that takes them';

-- Lets a user begin a sequence; again where its setting reenter_days allows it. Then the steps count as new messages: clicks of the way
-- before are forgotten, and its marketing message limits this one like any other.
--
-- Concurrency: of two calls at once one begins.
-- Locks: user (KEY SHARE, by the foreign key), run, clicks, consent.
-- Returns: boolean: the user has begun now.
-- Errors: none.
create or replace function private.enter_run(p_sequence public.sequences, p_user_id bigint, p_due_at timestamptz)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
begin
  insert into public.sequence_runs (sequence_id, user_id, due_at)
  values (p_sequence.id, p_user_id, p_due_at)
  on conflict (sequence_id, user_id) do nothing;
  if found then
    return true;
  end if;
  update public.sequence_runs as q
     set status = 'active', reason = null, position = 0, due_at = p_due_at, is_counted = false, last_update_id = null,
         last_bot = null, bought_at = null, entered_at = v_now, ended_at = null
   where q.sequence_id = p_sequence.id
     and q.user_id = p_user_id
     and q.status <> 'active'
     and q.ended_at <= v_now - make_interval(days => p_sequence.reenter_days);
  if not found then
    return false;
  end if;
  delete from public.broadcast_clicks as c
   using public.broadcasts as b
   where b.sequence_id = p_sequence.id and c.broadcast_id = b.id and c.user_id = p_user_id;
  update public.message_consents as c
     set last_marketing_by = null
    from public.broadcasts as b
   where c.user_id = p_user_id and b.id = c.last_marketing_by and b.sequence_id = p_sequence.id;
  return true;
end
$$;

revoke all on function private.enter_run from public, anon, authenticated, service_role;
comment on function private.enter_run is 'Lets a user begin a sequence';

-- Lets a user enter the active sequences of an event that have a step. A sequence takes a user
-- once, or again as private.enter_run says.
--
-- Concurrency: of two calls at once one enters.
-- Locks: as private.enter_run, by sequence.
-- Returns: void
-- Errors: none.
create or replace function private.enter_sequences(p_user_id bigint, p_event text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence public.sequences;
begin
  for v_sequence in
    select s.* from public.sequences as s where s.is_active and s.event = p_event order by s.id
  loop
    perform private.enter_run(v_sequence, p_user_id, private.clock() + f.delay)
      from (select private.first_delay(v_sequence.id) as delay) as f
     where f.delay is not null;
  end loop;
end
$$;

revoke all on function private.enter_sequences from public, anon, authenticated, service_role;
comment on function private.enter_sequences is 'Lets a user enter the sequences of an event';

-- Lets users who started a bot since the last look enter the sequences of the event start. Sessions whose transaction took up to ten
-- minutes are seen.
--
-- Concurrency: the sequences are locked, skipped by other runs; a session is seen twice at most, and lets a user
--   enter once.
-- Locks: sequences (FOR UPDATE SKIP LOCKED), users (KEY SHARE, by the foreign key).
-- Returns: void
-- Errors: none.
create or replace function private.enter_started()
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_sequence public.sequences;
begin
  for v_sequence in
    select s.* from public.sequences as s where s.is_active and s.event = 'start' order by s.id for update skip locked
  loop
    perform private.enter_run(v_sequence, e.user_id, e.due_at)
      from (
        select n.user_id, min(n.created_at) + private.first_delay(v_sequence.id) as due_at
          from public.bot_sessions as n
          join public.users as u on u.id = n.user_id and u.telegram_id = n.chat_id
         where n.created_at >= v_sequence.starts_from - interval '10 minutes'
           and (v_sequence.bot is null or n.bot = v_sequence.bot)
         group by n.user_id
         order by n.user_id
      ) as e
     where e.due_at is not null;
    update public.sequences as s set starts_from = v_now where s.id = v_sequence.id;
  end loop;
end
$$;

revoke all on function private.enter_started from public, anon, authenticated, service_role;
comment on function private.enter_started is 'Lets users who started a bot enter the sequences of that event';

-- Returns the delay of the first step of a sequence that has something to send; null: there is none.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: interval
-- Errors: none.
create or replace function private.first_delay(p_sequence_id bigint)
returns interval
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select make_interval(mins => b.delay_minutes)
      from public.broadcasts as b
     where b.sequence_id = p_sequence_id and private.is_written(b)
     order by b.position
     limit 1
  );
end
$$;

revoke all on function private.first_delay from public, anon, authenticated, service_role;
comment on function private.first_delay is 'The delay of the first step of a sequence';

-- Says whether what a sequence reminds of is no longer so: no unpaid order of that time is open, no plan ends soon, the learner came
-- back, completed the course or switched reminders off.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean; false for events that remind of nothing.
-- Errors: none.
create or replace function private.is_resolved(p_event text, p_user_id bigint, p_entered_at timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case p_event
    when 'order_unpaid' then not exists (
      select
        from public.orders as o
       where o.user_id = p_user_id and o.status = 'pending' and o.expires_at > private.clock() and o.created_at <= p_entered_at
         and not exists (select from public.payments as p where p.order_id = o.id)
    )
    when 'plan_ending' then not exists (
      select
        from public.subscriptions as s
       where s.user_id = p_user_id and s.status = 'active' and s.source in ('purchase', 'trial', 'promo', 'service')
         and private.effective_end(s.user_id, s.plan, s.source, s.ends_at)
           between private.clock() and p_entered_at + interval '3 days'
    )
    when 'learner_idle' then not exists (
      select
        from public.course_progress as p
       where p.user_id = p_user_id and p.completed_at is null and p.wants_reminders
         and p.last_active_at <= p_entered_at - interval '3 days'
    )
    else false
  end;
end
$$;

revoke all on function private.is_resolved from public, anon, authenticated, service_role;
comment on function private.is_resolved is 'Whether what a sequence reminds of is no longer so';

-- Says why a user leaves a sequence before its next step.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: purchase, reply, resolved (what it reminds of), unsubscribed, unreachable, segment; null: the user stays.
-- Errors: none.
create or replace function private.leave_reason(
  p_sequence public.sequences, p_run public.sequence_runs, p_user public.users, p_bot text
)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_sequence.leaves_on_purchase and p_run.bought_at is not null then
    return 'purchase';
  elsif p_sequence.leaves_on_reply and p_run.position > 0 and exists (
    select
      from public.bot_sessions as s
     where s.user_id = p_user.id and s.bot = p_run.last_bot and s.chat_id = p_user.telegram_id
       and s.last_update_id is distinct from p_run.last_update_id
       and s.last_update_id > coalesce(p_run.last_update_id, 0)
  ) then
    return 'reply';
  elsif private.is_resolved(p_sequence.event, p_user.id, p_run.entered_at) then
    return 'resolved';
  elsif p_sequence.kind = 'marketing' and exists (
    select from public.message_consents as c where c.user_id = p_user.id and c.unsubscribed_at is not null
  ) then
    return 'unsubscribed';
  elsif p_bot is null or (p_sequence.bot is not null and p_bot <> p_sequence.bot) or p_user.banned_at is not null then
    return 'unreachable';
  elsif p_run.position = 0 and not private.is_in_segment(p_user.id, p_sequence.segment) then
    return 'segment';
  end if;
  return null;
end
$$;

revoke all on function private.leave_reason from public, anon, authenticated, service_role;
comment on function private.leave_reason is 'Why a user leaves a sequence before its next step';

-- Creates a sequence (p_id null), or changes one. p_values: name, event, kind, bot, segment, ignores_limit, leaves_on_purchase,
-- leaves_on_reply, reenter_days. Its steps get kind, bot and ignores_limit.
--
-- Concurrency: the row is locked, and changed in the version that the editor has read only.
-- Locks: sequence, then its steps.
-- Returns: jsonb
--   outcome: 'saved' | 'changed' | 'none'
--   id?: bigint                (saved)
-- Errors: N0009 the role does not allow it, Q0001 a value is invalid.
create or replace function public.save_sequence(p_actor_id bigint, p_id bigint, p_version integer, p_values jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_row public.sequences;
begin
  perform private.require_staff(p_actor_id, 'admin');
  perform private.segment_condition(p_values -> 'segment');
  if p_id is null then
    insert into public.sequences as s (name, event, kind, bot, segment, ignores_limit, leaves_on_purchase, leaves_on_reply, reenter_days)
    values (
      p_values ->> 'name', p_values ->> 'event', p_values ->> 'kind', p_values ->> 'bot', p_values -> 'segment',
      (p_values ->> 'ignores_limit')::boolean, (p_values ->> 'leaves_on_purchase')::boolean,
      (p_values ->> 'leaves_on_reply')::boolean, (p_values ->> 'reenter_days')::integer
    )
    returning s.* into v_row;
    return jsonb_build_object('outcome', 'saved', 'id', v_row.id);
  end if;
  select s.* into v_row from public.sequences as s where s.id = p_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.version <> p_version then
    return jsonb_build_object('outcome', 'changed');
  end if;
  update public.sequences as s
     set name = p_values ->> 'name',
         event = p_values ->> 'event',
         kind = p_values ->> 'kind',
         bot = p_values ->> 'bot',
         segment = p_values -> 'segment',
         ignores_limit = (p_values ->> 'ignores_limit')::boolean,
         leaves_on_purchase = (p_values ->> 'leaves_on_purchase')::boolean,
         leaves_on_reply = (p_values ->> 'leaves_on_reply')::boolean,
         reenter_days = (p_values ->> 'reenter_days')::integer,
         version = s.version + 1,
         updated_at = v_now
   where s.id = p_id
  returning s.* into v_row;
  update public.broadcasts as b
     set kind = v_row.kind, bot = v_row.bot, ignores_limit = v_row.ignores_limit
   where b.sequence_id = p_id;
  return jsonb_build_object('outcome', 'saved', 'id', p_id);
exception
  when check_violation or not_null_violation or invalid_text_representation then
    raise exception 'a value is invalid' using errcode = 'Q0001';
end
$$;

revoke all on function public.save_sequence from public, anon, authenticated, service_role;
grant execute on function public.save_sequence to bot_backend;
comment on function public.save_sequence is 'Creates or changes a sequence';

-- Reminds learners who have been away for three days, and once more after seven, at most p_limit; between 10 and 20 o'clock of
-- their time zone. Left out: those who switched reminders off, completed the course, have no access, are banned or blocked the
-- bot, and who have been away for more than two weeks. An active sequence of the event learner_idle that takes the learner reminds
-- instead of both (private.enter_rule).
--
-- Concurrency: the progress is locked, skipped by other runs, and counted in the transaction that enqueues its message.
-- Locks: progress in courses (FOR UPDATE SKIP LOCKED), by last_active_at, each followed by the user's run.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_course_reminders(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_bot text;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select p.user_id, c as course, u.telegram_id, u.banned_at is null and u.is_active as is_reachable
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
      join public.users as u on u.id = p.user_id
     where p.completed_at is null
       and p.wants_reminders
       and p.reminders < 2
       and p.last_active_at between v_now - interval '14 days' and v_now - interval '3 days'
       and (p.reminders = 0 or p.last_active_at <= v_now - interval '7 days')
       and extract(hour from v_now at time zone private.reminder_time_zone(p.user_id)) between 10 and 19
     order by p.last_active_at, p.user_id
     limit p_limit
       for update of p skip locked
  loop
    v_checked := v_checked + 1;
    update public.course_progress as p
       set reminders = case when p.last_active_at <= v_now - interval '7 days' then 2 else 1 end
     where p.user_id = v_due.user_id and p.course_id = (v_due.course).id;
    v_bot := case when v_due.is_reachable then private.reachable_bot(v_due.user_id, v_due.telegram_id, null) end;
    if v_bot is not null
      and (v_due.course).is_published
      and exists (select from private.course_access(v_due.user_id, v_due.course) as a where a.tier is not null)
    then
      if private.enter_rule(v_due.user_id, 'learner_idle') then
        update public.course_progress as p
           set reminders = 2
         where p.user_id = v_due.user_id and p.course_id = (v_due.course).id;
        continue;
      end if;
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_due.user_id,
        v_bot,
        'course_idle',
        jsonb_build_object('title', private.text_titles((v_due.course).texts)),
        jsonb_build_array(
          jsonb_build_array(
            jsonb_build_object('key', 'course_continue', 'data', format('course:open:%s', (v_due.course).id))
          ),
          jsonb_build_array(
            jsonb_build_object('key', 'course_reminders_off', 'data', format('course:quiet:%s', (v_due.course).id))
          )
        )
      );
    end if;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_course_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_course_reminders to bot_backend;
comment on function public.enqueue_course_reminders is 'Reminds idle learners of their course';

-- Reminds users that a purchased, trial or promo subscription expires: three days before, one day before, and when it has
-- expired. No reminder before the end is sent to a user whose renewal is active; that user is notified after the grace period.
-- No reminder is sent when another subscription continues the plan, or when the subscription is shorter than the time before
-- its end. An active sequence that takes the user reminds instead (private.enter_rule): one of the event plan_ending before the end,
-- one of trial_ended or plan_ended at the end.
--
-- Concurrency: subscriptions that another transaction has locked and users who are being erased are skipped. A reminder is
--   stored in subscriptions.reminded and sent once; an extended subscription is reminded of again. A reminder that is more than
--   a day late is not sent: the next one is more accurate.
-- Locks: subscriptions by ends_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED) and run.
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_expiry_reminders(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_is_taken boolean;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.source, k.until, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select private.effective_end(s.user_id, s.plan, s.source, s.ends_at) as until
      ) as k
      cross join lateral (
        select case
            when k.until <= v_now then 'over'
            when k.until <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select coalesce(
            (select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1),
            -- Without an order (trial, promo code): the bot that the user used last.
            (select private.reachable_bot(u.id, u.telegram_id, null) from public.users as u where u.id = s.user_id)
          ) as bot
      ) as b on true
     where s.source in ('purchase', 'trial', 'promo', 'service')
       and s.ends_at between v_now - interval '1 day' - private.grace_period() and v_now + interval '3 days'
       and k.until between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
       and (r.reminder = 'over' or s.reminded is distinct from 'rule ' || s.ends_at::text)
       and s.starts_at < s.ends_at - case r.reminder
         when 'days' then interval '3 days'
         when 'day' then interval '1 day'
         else interval '0'
       end
       and not exists (
         select
           from public.subscriptions as a
           join public.subscription_limits as l on l.plan = a.plan
           join public.subscription_limits as m on m.plan = s.plan
          where a.user_id = s.user_id
            and a.status = 'active'
            and l.vip_level >= m.vip_level
            and (a.ends_at is null or a.ends_at > s.ends_at)
       )
       and (
         r.reminder = 'over'
         or not exists (
           select from public.renewals as n
            where n.user_id = s.user_id and n.status in ('active', 'past_due')
         )
       )
     order by s.ends_at
     limit p_limit
       for update of s skip locked
  loop
    perform from public.users as u where u.id = v_due.user_id for key share skip locked;
    continue when not found;
    v_is_taken := case
      when v_due.reminder <> 'over' then private.enter_rule(v_due.user_id, 'plan_ending')
      when v_due.source in ('trial', 'purchase') then private.enter_rule(v_due.user_id, private.end_event(v_due.source))
      else false
    end;
    update public.subscriptions as s
       set reminded = case when v_is_taken and v_due.reminder <> 'over' then 'rule' else v_due.reminder end || ' ' || s.ends_at::text
     where s.id = v_due.id;
    continue when v_is_taken;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_due.user_id,
      v_due.bot,
      'ends_' || case v_due.source when 'trial' then 'trial_' else '' end || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.until))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_expiry_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_expiry_reminders to bot_backend;
comment on function public.enqueue_expiry_reminders is 'Reminds users that a subscription expires';

-- Reminds users once of an unpaid order, order_reminder_hours after it was created (0: never). An order is skipped when
-- anything shows that the user no longer needs it: a payment (also one under review or pending), expiry, a newer order of the
-- same product, a purchase of the same product or plan, a discount that is bound to another order, a ban, or a blocked bot. An active
-- sequence of the event order_unpaid that takes the user reminds instead (private.enter_rule).
--
-- Concurrency: orders that another transaction has locked and users who are being erased are skipped. The reminder is stored in
--   orders.notified, so it is sent once.
-- Locks: orders by expires_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED) and run.
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_order_reminders(p_limit integer default 100)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_hours numeric := private.setting('order_reminder_hours')::numeric;
  v_order public.orders;
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_hours <= 0 then
    return v_outgoing;
  end if;
  for v_order in
    select o.*
      from public.orders as o
     where o.status = 'pending'
       and o.expires_at > v_now
       and o.created_at <= v_now - make_interval(secs => (v_hours * 3600)::double precision)
       and o.renewal_id is null
       and not o.notified && array['pending', 'reminder']
       and not private.is_discount_gone(o)
       and exists (select from public.users as u where u.id = o.user_id and u.banned_at is null and u.is_active)
       and not exists (select from public.payments as p where p.order_id = o.id)
       and not exists (
         select
           from public.orders as e
          where e.user_id = o.user_id
            and (e.product_key = o.product_key or e.plan = o.plan)
            and (e.completed_at > o.created_at or (e.id > o.id and e.product_key = o.product_key))
       )
     order by o.expires_at
     limit p_limit
       for update of o skip locked
  loop
    perform from public.users as u where u.id = v_order.user_id for key share skip locked;
    continue when not found;
    update public.orders as o set notified = o.notified || 'reminder'::text where o.id = v_order.id;
    continue when private.enter_rule(v_order.user_id, 'order_unpaid');
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_order.user_id,
      v_order.bot,
      'order_reminder',
      jsonb_build_object(
        'title', private.product_titles(v_order.product_key),
        'price', jsonb_build_object('amount', v_order.amount, 'currency', v_order.currency)
      ),
      case when v_order.checkout_url is not null then jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'buy_pay_button', 'url', v_order.checkout_url))
      ) else '[]'::jsonb end
      || jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'buy_other', 'data', 'other:' || v_order.id))
      ),
      p_order_id => v_order.id
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_order_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_order_reminders to bot_backend;
comment on function public.enqueue_order_reminders is 'Reminds users of unpaid orders';

-- Returns the event of sequences that the end of a subscription is.
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.end_event(p_source text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_source when 'trial' then 'trial_ended' else 'plan_ended' end;
$$;

revoke all on function private.end_event from public, anon, authenticated, service_role;
comment on function private.end_event is 'The event of sequences that the end of a subscription is';

-- Expires subscriptions whose time is over, grace period included, of at most p_limit users.
--
-- Concurrency: users whose row another transaction has locked are skipped and found by the next sweep. The user is locked
--   before their subscriptions, as everywhere.
-- Locks: users by id (NO KEY UPDATE SKIP LOCKED), each followed by their subscriptions.
-- Returns: integer, the number of users with an expired subscription.
-- Errors: none.
create or replace function private.expire_subscriptions(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_user_id bigint;
  v_count integer := 0;
begin
  for v_user_id in
    select u.id
      from public.users as u
     where u.id in (
       select s.user_id
         from public.subscriptions as s
        where s.status = 'active'
          and s.ends_at <= v_now
          and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) <= v_now
        order by s.ends_at
        limit p_limit
     )
     order by u.id
       for no key update skip locked
  loop
    update public.subscriptions as s
       set status = 'expired', ended_at = v_now
     where s.user_id = v_user_id
       and s.status = 'active'
       and s.ends_at <= v_now
       and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) <= v_now;
    if found then  -- not found: a concurrent sweep expired them between the two statements
      perform private.refresh_access(v_user_id);
      -- A sequence that takes the user replaces the notice, unless that was sent already.
      update public.subscriptions as s
         set reminded = 'over ' || s.ends_at::text
       where s.user_id = v_user_id
         and s.ended_at = v_now
         and s.source in ('trial', 'purchase')
         and s.reminded is distinct from 'over ' || s.ends_at::text
         and private.enter_rule(v_user_id, private.end_event(s.source));
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end
$$;

revoke all on function private.expire_subscriptions from public, anon, authenticated, service_role;
comment on function private.expire_subscriptions is 'Expires subscriptions whose time is over';

alter table public.sequences drop constraint sequences_event_check;

alter table public.sequences add constraint sequences_event_check CHECK ((event = ANY (ARRAY['start'::text, 'checkout_opened'::text, 'first_payment'::text, 'course_bought'::text, 'trial_ended'::text, 'plan_ended'::text, 'order_unpaid'::text, 'plan_ending'::text, 'learner_idle'::text])));

alter table public.sequences add constraint sequences_reenter_days_check CHECK (((reenter_days >= 1) AND (reenter_days <= 3650)));

comment on column public.sequences.event is 'What a user enters by: start (the first private chat with a bot), checkout_opened, first_payment, course_bought, trial_ended, plan_ended; order_unpaid, plan_ending, learner_idle: in place of the bot''s own reminder';

comment on column public.sequences.left_counts is 'Users who left before the end, by reason: {"purchase": 3, "reply": 1, "unsubscribed": 1, "unreachable": 1, "segment": 2, "resolved": 1}';

comment on column public.sequences.reenter_days is 'Days after the end of a user''s way, after which the event lets the user enter again; null: never';
