-- Broadcast pages.

-- Only functions that this migration replaces call it.
-- squawk-ignore ban-drop-function
drop function private.broadcast_admin(p_actor_id bigint);

-- Queues the steps of sequences that are due, at most p_limit users, and ends the way of those who bought, replied, unsubscribed or
-- can no longer be reached. A step whose segment does not hold the user is skipped, and one without a text does not exist yet. In the quiet hours of a user a step waits.
--
-- Concurrency: runs are locked, skipped by other runs of the job; each step goes to a user once.
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
            insert into public.broadcast_recipients (broadcast_id, user_id, bot, send_after)
            values (v_step.id, (v_due.person).id, v_bot, v_now)
            on conflict (broadcast_id, user_id) do nothing;
            update public.broadcasts as b set total = b.total + 1 where b.id = v_step.id;
            v_queued := v_queued + 1;
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

-- Approves a broadcast that waits for a second admin: it runs.
--
-- Concurrency: the row is locked; of two calls the second finds it running.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'approved' | 'own' | 'state' | 'none'        (own: the admin wrote or started it)
-- Errors: N0009 the role does not allow it.
create or replace function public.approve_broadcast(p_actor_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_row public.broadcasts;
begin
  select b.* into v_row from public.broadcasts as b where b.id = p_id and b.sequence_id is null for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.status <> 'waiting' then
    return jsonb_build_object('outcome', 'state');
  elsif p_actor_id in (v_row.started_by, v_row.updated_by) then
    return jsonb_build_object('outcome', 'own');
  end if;
  update public.broadcasts as b
     set status = 'running', approved_by = p_actor_id, updated_at = private.clock()
   where b.id = p_id;
  perform private.write_audit(
    v_account, 'broadcast_approve', null, null, '{}', jsonb_build_object('broadcast', p_id, 'recipients', v_row.total)
  );
  return jsonb_build_object('outcome', 'approved');
end
$$;

revoke all on function public.approve_broadcast from public, anon, authenticated, service_role;
grant execute on function public.approve_broadcast to bot_backend;
comment on function public.approve_broadcast is 'Approves a broadcast that waits for a second admin';

-- Returns a broadcast as pages show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   name: text
--   kind: 'marketing' | 'service'
--   bot: text | null
--   segment: jsonb
--   content: jsonb
--   ignores_limit: boolean
--   status: 'draft' | 'freezing' | 'waiting' | 'running' | 'paused' | 'done' | 'canceled'
--   version: int
--   sequence_id: bigint | null
--   position: int | null
--   delay_minutes: int | null
--   total: bigint
--   sent: bigint
--   failed: bigint
--   blocked: bigint
--   unknown: bigint
--   skipped: bigint
--   clicked: bigint
--   bought: bigint
--   deleted: bigint
--   clicks: jsonb
--   is_deleting: boolean
--   media: { kind: text, name: text, file_ids: { [text]: text } } | null
--   started_at: timestamptz | null
--   finished_at: timestamptz | null
--   updated_at: timestamptz
-- Errors: none.
create or replace function private.broadcast_card(p_broadcast public.broadcasts)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(p_broadcast)
    - array[
      'updated_by', 'started_by', 'approved_by', 'frozen_after', 'freeze_until', 'deleting_after', 'created_at'
    ]
    || jsonb_build_object(
      'is_deleting', p_broadcast.deleting_after is not null,
      'media', (
        select jsonb_build_object('kind', m.kind, 'name', m.name, 'file_ids', m.file_ids)
          from public.broadcast_media as m
         where m.broadcast_id = p_broadcast.id
      )
    );
$$;

revoke all on function private.broadcast_card from public, anon, authenticated, service_role;
comment on function private.broadcast_card is 'A broadcast as pages show it';

-- Returns what segments can choose from.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   plans: [ text ]
--   products: [{ key: text, texts: jsonb }]
--   courses: [{ id: bigint, texts: jsonb }]
-- Errors: N0009 the role does not allow it.
create or replace function public.broadcast_choices(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return jsonb_build_object(
    'plans', (select coalesce(jsonb_agg(l.plan order by l.vip_level), '[]'::jsonb) from public.subscription_limits as l),
    'products', (
      select coalesce(jsonb_agg(jsonb_build_object('key', p.key, 'texts', p.texts) order by p.position, p.key), '[]'::jsonb)
        from public.products as p
    ),
    'courses', (
      select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'texts', c.texts) order by c.position, c.id), '[]'::jsonb)
        from public.courses as c
    )
  );
end
$$;

revoke all on function public.broadcast_choices from public, anon, authenticated, service_role;
grant execute on function public.broadcast_choices to bot_backend;
comment on function public.broadcast_choices is 'What segments can choose from';

-- Counts the users whom a broadcast would reach now, among up to p_limit users after p_after. The caller adds up the parts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   count: bigint
--   next: bigint | null         (p_after of the next part; null: none is left)
-- Errors: N0009 the role does not allow it, Q0001 the segment is invalid.
create or replace function public.count_segment(
  p_actor_id bigint, p_segment jsonb, p_bot text, p_kind text, p_after bigint default 0, p_limit integer default 100000
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last bigint;
  v_count bigint;
begin
  perform private.require_staff(p_actor_id, 'admin');
  select max(r.id) into v_last
    from (select u.id from public.users as u where u.id > p_after order by u.id limit p_limit) as r;
  execute format('select count(*) from (%s) as r', private.audience_query(p_segment))
    into v_count
    using p_after, coalesce(v_last, p_after), p_bot, p_kind;
  return jsonb_build_object('count', v_count, 'next', v_last);
end
$$;

revoke all on function public.count_segment from public, anon, authenticated, service_role;
grant execute on function public.count_segment to bot_backend;
comment on function public.count_segment is 'Counts the users of a segment, part by part';

-- Returns a broadcast, who started it, and whether the acting admin may approve it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--      ...private.broadcast_card
--      may_approve: boolean
--      can_delete: boolean           (a message is younger than 48 hours)
--      sequence: text | null         (name of the sequence)
--      hours: [{ at: timestamptz, sent: bigint, clicked: bigint }]      (of the first 48 hours)
--      purchase_days: int
--      tester: { chat_id: bigint, name: text, bot: text | null }       (the acting admin)
--   } | null           (null: there is none)
-- Errors: N0009 the role does not allow it.
create or replace function public.get_broadcast(p_actor_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row public.broadcasts;
begin
  perform private.require_staff(p_actor_id, 'admin');
  select b.* into v_row from public.broadcasts as b where b.id = p_id;
  if not found then
    return null;
  end if;
  return private.broadcast_card(v_row) || jsonb_build_object(
    'may_approve', v_row.status = 'waiting' and p_actor_id is distinct from v_row.started_by
      and p_actor_id is distinct from v_row.updated_by,
    'can_delete', v_row.sent > v_row.deleted and v_row.deleting_after is null and v_row.sequence_id is null
      and coalesce(v_row.finished_at, private.clock()) > private.clock() - interval '48 hours',
    'sequence', (select s.name from public.sequences as s where s.id = v_row.sequence_id),
    'hours', private.broadcast_hours(v_row),
    'purchase_days', private.setting('broadcast_purchase_days')::integer,
    'tester', (
      select jsonb_build_object(
          'chat_id', u.telegram_id, 'name', u.first_name, 'bot', private.reachable_bot(u.id, u.telegram_id, v_row.bot)
        )
        from public.users as u
       where u.id = p_actor_id
    )
  );
end
$$;

revoke all on function public.get_broadcast from public, anon, authenticated, service_role;
grant execute on function public.get_broadcast to bot_backend;
comment on function public.get_broadcast is 'A broadcast with what its page shows';

-- Returns a sequence with its steps.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--      ...private.sequence_card
--   } | null           (null: there is none)
-- Errors: N0009 the role does not allow it.
create or replace function public.get_sequence(p_actor_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return (select private.sequence_card(s) from public.sequences as s where s.id = p_id);
end
$$;

revoke all on function public.get_sequence from public, anon, authenticated, service_role;
grant execute on function public.get_sequence to bot_backend;
comment on function public.get_sequence is 'A sequence with its steps';

-- Whether a message has something to send: a text, or a picture, video or file.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_written(p_broadcast public.broadcasts)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(p_broadcast.content -> 'texts', '{}') <> '{}'
    or exists (select from public.broadcast_media as m where m.broadcast_id = p_broadcast.id);
$$;

revoke all on function private.is_written from public, anon, authenticated, service_role;
comment on function private.is_written is 'Whether a message has something to send';

-- Lists broadcasts before p_before, the newest first, without steps of sequences.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   broadcasts: [ private.broadcast_card ]
--   waiting: int              (broadcasts that a second admin must approve)
-- Errors: N0009 the role does not allow it.
create or replace function public.list_broadcasts(p_actor_id bigint, p_before bigint, p_limit integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return jsonb_build_object(
    'broadcasts', (
      select coalesce(jsonb_agg(private.broadcast_card(b.row) order by b.id desc), '[]'::jsonb)
        from (
          select r as row, r.id
            from public.broadcasts as r
           where r.sequence_id is null and (p_before is null or r.id < p_before)
           order by r.id desc
           limit p_limit
        ) as b
    ),
    'waiting', (select count(*) from public.broadcasts as b where b.status = 'waiting')
  );
end
$$;

revoke all on function public.list_broadcasts from public, anon, authenticated, service_role;
grant execute on function public.list_broadcasts to bot_backend;
comment on function public.list_broadcasts is 'Lists broadcasts, the newest first';

-- Lists sequences with their steps, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ private.sequence_card ]
-- Errors: N0009 the role does not allow it.
create or replace function public.list_sequences(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  return (
    select coalesce(jsonb_agg(private.sequence_card(s) order by s.id desc), '[]'::jsonb) from public.sequences as s
  );
end
$$;

revoke all on function public.list_sequences from public, anon, authenticated, service_role;
grant execute on function public.list_sequences to bot_backend;
comment on function public.list_sequences is 'Lists sequences';

-- Lets a broadcast run whose recipients are frozen. Above the setting broadcast_approval_size it waits for an admin other than
-- the one who started it, if there is one.
--
-- Concurrency: the caller holds the broadcast's row.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.open_broadcast(p_broadcast public.broadcasts)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_size constant bigint := private.setting('broadcast_approval_size')::bigint;
  v_needs_approval boolean;
begin
  v_needs_approval := v_size > 0 and p_broadcast.total > v_size and exists (
    select
      from (
        select u.id from public.admins as a join public.users as u on u.telegram_id = a.telegram_id
        union
        select s.user_id from public.staff as s where s.role = 'admin'
      ) as t (id)
     where t.id is distinct from p_broadcast.started_by
       and t.id is distinct from p_broadcast.updated_by
       and private.staff_role(t.id) is not null
  );
  update public.broadcasts as b
     set status = case
           when p_broadcast.total = 0 then 'done'
           when v_needs_approval then 'waiting'
           else 'running'
         end,
         finished_at = case when p_broadcast.total = 0 then private.clock() end,
         updated_at = private.clock()
   where b.id = p_broadcast.id;
end
$$;

revoke all on function private.open_broadcast from public, anon, authenticated, service_role;
comment on function private.open_broadcast is 'Lets a broadcast run whose recipients are frozen';

-- Creates a draft or a step of a sequence (p_id null), or changes one. p_values: name, kind, bot, segment, content,
-- ignores_limit; of a step also sequence_id (of a new one) and delay_minutes. A broadcast that has started does not change; a
-- step does, for users who have not received it.
--
-- Concurrency: the row is locked, and changed in the version that the editor has read only.
-- Locks: sequence (a new step), broadcast.
-- Returns: jsonb
--   outcome: 'saved' | 'changed' | 'started' | 'none'
--   id?: bigint                (saved)
-- Errors: N0009 the role does not allow it, Q0001 a value is invalid.
create or replace function public.save_broadcast(
  p_actor_id bigint, p_id bigint, p_version integer, p_values jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_row public.broadcasts;
  v_sequence public.sequences;
begin
  perform private.require_staff(p_actor_id, 'admin');
  if p_id is null then
    if p_values ? 'sequence_id' then
      select s.* into v_sequence
        from public.sequences as s
       where s.id = (p_values ->> 'sequence_id')::bigint
         for update;
      if not found then
        return jsonb_build_object('outcome', 'none');
      end if;
      v_row.sequence_id := v_sequence.id;
      v_row.position := coalesce(
        (select max(b.position) from public.broadcasts as b where b.sequence_id = v_sequence.id), 0
      ) + 1;
      v_row.status := case when v_sequence.is_active then 'running' else 'paused' end;
    end if;
    v_row.version := 0;
  else
    select b.* into v_row from public.broadcasts as b where b.id = p_id for update;
    if not found then
      return jsonb_build_object('outcome', 'none');
    elsif v_row.version <> p_version then
      return jsonb_build_object('outcome', 'changed');
    elsif v_row.sequence_id is null and v_row.status <> 'draft' then
      return jsonb_build_object('outcome', 'started');
    end if;
    select s.* into v_sequence from public.sequences as s where s.id = v_row.sequence_id;
  end if;
  perform private.segment_condition(p_values -> 'segment');
  v_row.name := p_values ->> 'name';
  v_row.kind := coalesce(v_sequence.kind, p_values ->> 'kind');
  v_row.bot := case when v_sequence.id is null then p_values ->> 'bot' else v_sequence.bot end;
  v_row.segment := p_values -> 'segment';
  v_row.content := p_values -> 'content';
  v_row.ignores_limit := coalesce(v_sequence.ignores_limit, (p_values ->> 'ignores_limit')::boolean, false);
  v_row.delay_minutes := case when v_row.sequence_id is not null then (p_values ->> 'delay_minutes')::integer end;
  if p_id is null then
    insert into public.broadcasts as b (
      name, kind, bot, segment, content, ignores_limit, status, sequence_id, position, delay_minutes, updated_by
    )
    values (
      v_row.name, v_row.kind, v_row.bot, v_row.segment, v_row.content, v_row.ignores_limit,
      coalesce(v_row.status, 'draft'), v_row.sequence_id, v_row.position, v_row.delay_minutes, p_actor_id
    )
    returning b.id into v_row.id;
  else
    update public.broadcasts as b
       set name = v_row.name, kind = v_row.kind, bot = v_row.bot, segment = v_row.segment, content = v_row.content,
           ignores_limit = v_row.ignores_limit, delay_minutes = v_row.delay_minutes, version = b.version + 1,
           updated_by = p_actor_id, updated_at = v_now
     where b.id = p_id;
  end if;
  return jsonb_build_object('outcome', 'saved', 'id', v_row.id);
exception
  when check_violation or not_null_violation or invalid_text_representation or numeric_value_out_of_range then
    raise exception 'a value is invalid' using errcode = 'Q0001';
end
$$;

revoke all on function public.save_broadcast from public, anon, authenticated, service_role;
grant execute on function public.save_broadcast to bot_backend;
comment on function public.save_broadcast is 'Creates or changes a draft or a step of a sequence';

-- Stores the picture, video or file of a draft or a step: p_media {kind, name, mime_type, bot, file_id} with p_content in base64, or
-- with a file_id of a bot; null removes it.
--
-- Concurrency: the broadcast is locked; the later of two calls counts.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'saved' | 'started' | 'none'
-- Errors: N0009 the role does not allow it, Q0001 a value is invalid.
create or replace function public.save_broadcast_media(
  p_actor_id bigint, p_broadcast_id bigint, p_media jsonb, p_content text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row public.broadcasts;
begin
  perform private.require_staff(p_actor_id, 'admin');
  select b.* into v_row from public.broadcasts as b where b.id = p_broadcast_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.status <> 'draft' and v_row.sequence_id is null then
    return jsonb_build_object('outcome', 'started');
  end if;
  delete from public.broadcast_media as m where m.broadcast_id = p_broadcast_id;
  if p_media is not null then
    insert into public.broadcast_media (broadcast_id, kind, name, mime_type, content, file_ids)
    values (
      p_broadcast_id, p_media ->> 'kind', p_media ->> 'name', p_media ->> 'mime_type', decode(p_content, 'base64'),
      case
        when p_media ->> 'file_id' is null then '{}'::jsonb
        else jsonb_build_object(p_media ->> 'bot', p_media ->> 'file_id')
      end
    );
  end if;
  update public.broadcasts as b set updated_by = p_actor_id, updated_at = private.clock() where b.id = p_broadcast_id;
  return jsonb_build_object('outcome', 'saved');
exception
  when check_violation or not_null_violation or invalid_parameter_value then
    raise exception 'a value is invalid' using errcode = 'Q0001';
end
$$;

revoke all on function public.save_broadcast_media from public, anon, authenticated, service_role;
grant execute on function public.save_broadcast_media to bot_backend;
comment on function public.save_broadcast_media is 'Stores or removes the picture, video or file of a broadcast';

-- Creates a sequence (p_id null), or changes one. p_values: name, event, kind, bot, segment, ignores_limit, leaves_on_purchase,
-- leaves_on_reply. Its steps get kind, bot and ignores_limit.
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
    insert into public.sequences as s (name, event, kind, bot, segment, ignores_limit, leaves_on_purchase, leaves_on_reply)
    values (
      p_values ->> 'name', p_values ->> 'event', p_values ->> 'kind', p_values ->> 'bot', p_values -> 'segment',
      (p_values ->> 'ignores_limit')::boolean, (p_values ->> 'leaves_on_purchase')::boolean,
      (p_values ->> 'leaves_on_reply')::boolean
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

-- Writes a segment as a condition of SQL on `u` (public.users) and `c` (public.message_consents, which may be missing). Keys
-- that are absent limit nothing; those that are present must all hold:
--
--   plans: [text]                 the plan is one of these
--   languages: [text]             the language is one of these codes
--   active_days: int              used a bot within so many days
--   inactive_days: int            has not used a bot for so many days
--   course: {id, tier | null}     has access to the course, in this tier
--   without_course: bigint        has no access to the course
--   bought: [text]                has bought one of these products
--   never_paid: true              has never paid
--   bands: [text]                 how ready to buy the AI thinks: exploring, interested, serious, ready
--   uncontacted_days: int         has had no broadcast for so many days
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: Q0001 an unknown key, or a wrong value.
create or replace function private.segment_condition(p_segment jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_value jsonb;
  v_list text[];
  v_parts text[] := '{}';
  v_access constant text := 'exists (select from public.enrollments as e where e.user_id = u.id and e.course_id = %s'
    ' and e.withdrawn_at is null and (e.expires_at is null or e.expires_at > private.clock())%s)';
begin
  for v_key, v_value in select s.key, s.value from jsonb_each(p_segment) as s order by s.key loop
    v_list := case
      when jsonb_typeof(v_value) = 'array' then array(select jsonb_array_elements_text(v_value))
    end;
    v_parts := v_parts || case v_key
      when 'plans' then format(
        '(select l.plan from public.subscription_limits as l where l.vip_level <= u.vip_level'
        ' order by l.vip_level desc limit 1) = any (%L::text[])', v_list
      )
      when 'languages' then format(
        'split_part(lower(coalesce(u.language, u.language_code)), ''-'', 1) = any (%L::text[])', v_list
      )
      when 'active_days' then format(
        'u.last_activity >= private.clock() - make_interval(days => %s)', private.segment_number(v_value)
      )
      when 'inactive_days' then format(
        'u.last_activity < private.clock() - make_interval(days => %s)', private.segment_number(v_value)
      )
      when 'course' then format(
        v_access,
        private.segment_number(v_value -> 'id'),
        case when v_value ->> 'tier' is null then '' else format(' and e.tier = %L', v_value ->> 'tier') end
      )
      when 'without_course' then format('not ' || v_access, private.segment_number(v_value), '')
      when 'bought' then format(
        'exists (select from public.orders as o where o.user_id = u.id and o.status = ''completed'''
        ' and o.product_key = any (%L::text[]))', v_list
      )
      when 'never_paid' then
        'not exists (select from public.orders as o where o.user_id = u.id and o.status = ''completed'')'
      when 'bands' then format(
        'exists (select from public.conversations as v where v.user_id = u.id and case when v.ai_ready_score <= 30'
        ' then ''exploring'' when v.ai_ready_score <= 60 then ''interested'' when v.ai_ready_score <= 85'
        ' then ''serious'' else ''ready'' end = any (%L::text[]) and v.ai_ready_score is not null)', v_list
      )
      when 'uncontacted_days' then format(
        '(c.last_contact_at is null or c.last_contact_at < private.clock() - make_interval(days => %s))',
        private.segment_number(v_value)
      )
    end;
    if v_parts[cardinality(v_parts)] is null
      or (v_key in ('plans', 'languages', 'bought', 'bands') and coalesce(cardinality(v_list), 0) = 0)
    then
      raise exception 'segment: %', v_key using errcode = 'Q0001';
    end if;
  end loop;
  return case when v_parts = '{}' then 'true' else array_to_string(v_parts, ' and ') end;
end
$$;

revoke all on function private.segment_condition from public, anon, authenticated, service_role;
comment on function private.segment_condition is 'Writes a segment as a condition of SQL';

-- Starts a draft: the job freezes its recipients (private.freeze_broadcast), then sends, or waits for a second admin.
--
-- Concurrency: the row is locked; of two calls the second finds it started.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'started' | 'changed' | 'state' | 'empty' | 'none'       (empty: it has no text and no media)
-- Errors: N0009 the role does not allow it.
create or replace function public.start_broadcast(p_actor_id bigint, p_id bigint, p_version integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_row public.broadcasts;
begin
  select b.* into v_row from public.broadcasts as b where b.id = p_id and b.sequence_id is null for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.status <> 'draft' then
    return jsonb_build_object('outcome', 'state');
  elsif v_row.version <> p_version then
    return jsonb_build_object('outcome', 'changed');
  elsif not private.is_written(v_row) then
    return jsonb_build_object('outcome', 'empty');
  end if;
  update public.broadcasts as b
     set status = 'freezing', started_by = p_actor_id, started_at = private.clock(), frozen_after = 0,
         freeze_until = (select coalesce(max(u.id), 0) from public.users as u), updated_at = private.clock()
   where b.id = p_id;
  perform private.write_audit(
    v_account, 'broadcast_start', null, null, '{}',
    jsonb_build_object('broadcast', p_id, 'name', v_row.name, 'kind', v_row.kind, 'segment', v_row.segment)
  );
  return jsonb_build_object('outcome', 'started');
end
$$;

revoke all on function public.start_broadcast from public, anon, authenticated, service_role;
grant execute on function public.start_broadcast to bot_backend;
comment on function public.start_broadcast is 'Starts a draft: its recipients are frozen';

-- Changes the state of a broadcast. p_action:
--
--   pause, resume    stops sending, and goes on; messages that are on their way arrive
--   cancel           stops for good
--   return           takes a broadcast that waits for approval back to the draft, and its frozen recipients away
--   delete_sent      deletes the messages that were sent in the last 48 hours
--   delete           removes a draft, or a step of a sequence
--
-- Concurrency: the row is locked; an action that does not fit the state changes nothing.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'done' | 'state' | 'none'
-- Errors: N0009 the role does not allow it.
create or replace function public.switch_broadcast(p_actor_id bigint, p_id bigint, p_action text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_row public.broadcasts;
  v_status text;
begin
  select b.* into v_row from public.broadcasts as b where b.id = p_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  if p_action = 'delete' then
    if v_row.status <> 'draft' and v_row.sequence_id is null then
      return jsonb_build_object('outcome', 'state');
    end if;
    delete from public.broadcasts as b where b.id = p_id;
  elsif v_row.sequence_id is not null then
    return jsonb_build_object('outcome', 'state');
  elsif p_action = 'delete_sent' then
    if v_row.deleting_after is not null or v_row.sent = v_row.deleted or v_row.status in ('draft', 'freezing', 'waiting') then
      return jsonb_build_object('outcome', 'state');
    end if;
    update public.broadcasts as b
       set deleting_after = 0,
           status = case when b.status in ('running', 'paused') then 'canceled' else b.status end,
           finished_at = coalesce(b.finished_at, v_now), updated_at = v_now
     where b.id = p_id;
  else
    v_status := case
      when p_action = 'pause' and v_row.status = 'running' then 'paused'
      when p_action = 'resume' and v_row.status = 'paused' then 'running'
      when p_action = 'cancel' and v_row.status in ('freezing', 'waiting', 'running', 'paused') then 'canceled'
      when p_action = 'return' and v_row.status = 'waiting' then 'draft'
    end;
    if v_status is null then
      return jsonb_build_object('outcome', 'state');
    end if;
    update public.broadcasts as b
       set status = v_status, updated_at = v_now, finished_at = case when v_status = 'canceled' then v_now end,
           total = case when v_status = 'draft' then 0 else b.total end,
           started_by = case when v_status <> 'draft' then b.started_by end
     where b.id = p_id;
    if v_status = 'draft' then
      delete from public.broadcast_recipients as r where r.broadcast_id = p_id;
    end if;
  end if;
  perform private.write_audit(
    v_account, 'broadcast_' || p_action, null, null, jsonb_build_object('status', v_row.status),
    jsonb_build_object('broadcast', p_id, 'name', v_row.name)
  );
  return jsonb_build_object('outcome', 'done');
end
$$;

revoke all on function public.switch_broadcast from public, anon, authenticated, service_role;
grant execute on function public.switch_broadcast to bot_backend;
comment on function public.switch_broadcast is 'Pauses, resumes, cancels, returns, deletes a broadcast or what it sent';

-- Activates or stops a sequence, or deletes one that is stopped. p_action: start, stop, delete. While it is stopped, users neither
-- enter nor move on.
--
-- Concurrency: the row is locked; an action that does not fit the state changes nothing.
-- Locks: sequence, then its steps.
-- Returns: jsonb
--   outcome: 'done' | 'state' | 'empty' | 'none'        (empty: no step has a text)
-- Errors: N0009 the role does not allow it.
create or replace function public.switch_sequence(p_actor_id bigint, p_id bigint, p_action text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_row public.sequences;
begin
  select s.* into v_row from public.sequences as s where s.id = p_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif p_action not in ('start', 'stop', 'delete') or v_row.is_active = (p_action <> 'stop') then
    return jsonb_build_object('outcome', 'state');
  elsif p_action = 'start' and not exists (select from public.broadcasts as b where b.sequence_id = p_id and private.is_written(b)) then
    return jsonb_build_object('outcome', 'empty');
  end if;
  if p_action = 'delete' then
    delete from public.sequences as s where s.id = p_id;
  else
    update public.sequences as s
       set is_active = p_action = 'start', starts_from = v_now, updated_at = v_now
     where s.id = p_id;
    update public.broadcasts as b
       set status = case p_action when 'start' then 'running' else 'paused' end
     where b.sequence_id = p_id;
  end if;
  perform private.write_audit(
    v_account, 'sequence_' || p_action, null, null, '{}', jsonb_build_object('sequence', p_id, 'name', v_row.name)
  );
  return jsonb_build_object('outcome', 'done');
end
$$;

revoke all on function public.switch_sequence from public, anon, authenticated, service_role;
grant execute on function public.switch_sequence to bot_backend;
comment on function public.switch_sequence is 'Activates, stops or deletes a sequence';
