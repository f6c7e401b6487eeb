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
