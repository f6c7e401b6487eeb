-- Broadcasts.

-- Sequences: messages that follow an event of a user, step by step. A step is a row of public.broadcasts.

create table public.sequences (
  id bigint generated always as identity primary key,
  name text not null check (name ~ '\S' and length(name) <= 100),
  event text not null check (
    event in ('start', 'checkout_opened', 'first_payment', 'course_bought', 'trial_ended', 'plan_ended')
  ),
  kind text not null default 'marketing' check (kind in ('marketing', 'service')),
  bot text,
  segment jsonb not null default '{}' check (jsonb_typeof(segment) = 'object'),
  ignores_limit boolean not null default true,
  leaves_on_purchase boolean not null default true,
  leaves_on_reply boolean not null default false,
  is_active boolean not null default false,
  version integer not null default 1 check (version > 0),
  starts_from timestamptz not null default private.clock(),
  entered bigint not null default 0,
  finished bigint not null default 0,
  left_counts jsonb not null default '{}' check (jsonb_typeof(left_counts) = 'object'),
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock()
);

comment on table public.sequences is 'Sequences: messages that follow an event of a user, step by step';
comment on column public.sequences.event is 'What a user enters by: start (the first private chat with a bot), checkout_opened, first_payment, course_bought, trial_ended, plan_ended';
comment on column public.sequences.bot is 'Bot that sends; null: the one that the user used last';
comment on column public.sequences.segment is 'Who enters, see private.segment_condition';
comment on column public.sequences.ignores_limit is 'Whether its steps leave out the setting broadcast_marketing_days';
comment on column public.sequences.starts_from is 'Start events since then have been looked at';
comment on column public.sequences.left_counts is 'Users who left before the end, by reason: {"purchase": 3, "reply": 1, "unsubscribed": 1, "unreachable": 1, "segment": 2}';
alter table public.sequences enable row level security;
revoke all on table public.sequences from public, anon, authenticated, service_role;
revoke all on sequence public.sequences_id_seq from public, anon, authenticated, service_role;

-- Broadcasts: one message to the users of a segment. A step of a sequence is one too.
--
-- draft ─▶ freezing ─▶ waiting ─▶ running ⇄ paused ─▶ done
--            │  (recipients frozen; waiting: for a second admin, above the setting broadcast_approval_size)
--            └───────────┴──────────┴────────┴──────▶ canceled
-- A step is running while its sequence is active, else paused.

create table public.broadcasts (
  id bigint generated always as identity primary key,
  name text not null check (name ~ '\S' and length(name) <= 100),
  kind text not null default 'marketing' check (kind in ('marketing', 'service')),
  bot text,
  segment jsonb not null default '{}' check (jsonb_typeof(segment) = 'object'),
  content jsonb not null default '{}' check (jsonb_typeof(content) = 'object'),
  ignores_limit boolean not null default false,
  status text not null default 'draft'
  check (status in ('draft', 'freezing', 'waiting', 'running', 'paused', 'done', 'canceled')),
  version integer not null default 1 check (version > 0),
  sequence_id bigint references public.sequences (id) on delete cascade,
  position integer check (position > 0),
  delay_minutes integer check (delay_minutes between 0 and 525600),
  updated_by bigint references public.users (id) on delete set null,
  started_by bigint references public.users (id) on delete set null,
  approved_by bigint references public.users (id) on delete set null,
  frozen_after bigint not null default 0,
  freeze_until bigint,
  total bigint not null default 0,
  sent bigint not null default 0,
  failed bigint not null default 0,
  blocked bigint not null default 0,
  unknown bigint not null default 0,
  skipped bigint not null default 0,
  clicked bigint not null default 0,
  bought bigint not null default 0,
  deleted bigint not null default 0,
  clicks jsonb not null default '{}' check (jsonb_typeof(clicks) = 'object'),
  deleting_after bigint,
  started_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  check ((sequence_id is null) = (position is null) and (sequence_id is null) = (delay_minutes is null))
);

create index broadcasts_sequence_idx on public.broadcasts (sequence_id, position);
create index broadcasts_updated_by_idx on public.broadcasts (updated_by);
create index broadcasts_started_by_idx on public.broadcasts (started_by);
create index broadcasts_approved_by_idx on public.broadcasts (approved_by);
-- What the job looks at.
create index broadcasts_open_idx on public.broadcasts (id)
where status in ('freezing', 'running') or deleting_after is not null;

comment on table public.broadcasts is 'Broadcasts: one message to the users of a segment, or a step of a sequence';
comment on column public.broadcasts.kind is 'marketing: only to users who take it, at most one in broadcast_marketing_days; service: about what a user has bought or asked for';
comment on column public.broadcasts.bot is 'Bot that sends; null: of each user the one that the user used last';
comment on column public.broadcasts.segment is 'Who receives it, see private.segment_condition; of a step: who does not skip it';
comment on column public.broadcasts.content is '{"texts": {"en": Markdown}, "buttons": [{"texts": {"en": "…"}, "url": "https://…"} or {…, "command": "buy"}]}';
comment on column public.broadcasts.ignores_limit is 'Whether it leaves out the setting broadcast_marketing_days';
comment on column public.broadcasts.delay_minutes is 'Of a step: minutes after the one before, or after the event';
comment on column public.broadcasts.frozen_after is 'Users up to this id have been looked at for the frozen list';
comment on column public.broadcasts.freeze_until is 'Highest user id at the start; null: not started';
comment on column public.broadcasts.unknown is 'Sent, perhaps: the answer of Telegram was lost, or the job was killed. Never sent again';
comment on column public.broadcasts.skipped is 'Left out when their turn came: unsubscribed, banned, blocked the bot, or had a marketing message';
comment on column public.broadcasts.clicked is 'Recipients who used a button';
comment on column public.broadcasts.bought is 'Recipients who paid within broadcast_purchase_days of the message';
comment on column public.broadcasts.clicks is 'Recipients who used each button, by its number: {"0": 12}';
comment on column public.broadcasts.deleting_after is 'Messages to users up to this id have been deleted again; null: they stay';
alter table public.broadcasts enable row level security;
revoke all on table public.broadcasts from public, anon, authenticated, service_role;
revoke all on sequence public.broadcasts_id_seq from public, anon, authenticated, service_role;

-- Recipients of broadcasts, frozen when a broadcast starts.
--
-- queued ⇄ sending ─▶ sent ─▶ deleting ─▶ deleted
--    │        ├─▶ failed, blocked
--    │        └─▶ unknown   the lease has passed, or the answer was lost: never sent again
--    └─▶ skipped

create table public.broadcast_recipients (
  broadcast_id bigint not null references public.broadcasts (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  status text not null default 'queued' check (
    status in ('queued', 'sending', 'sent', 'failed', 'blocked', 'unknown', 'skipped', 'deleting', 'deleted')
  ),
  send_after timestamptz not null,
  lease_until timestamptz,
  error text,
  message_id bigint,
  sent_at timestamptz,
  clicked_at timestamptz,
  bought_at timestamptz,
  primary key (broadcast_id, user_id)
);

create index broadcast_recipients_user_idx on public.broadcast_recipients (user_id);
create index broadcast_recipients_queue_idx on public.broadcast_recipients (broadcast_id, bot, send_after)
where status = 'queued';
create index broadcast_recipients_lease_idx on public.broadcast_recipients (broadcast_id, lease_until)
where status in ('sending', 'deleting');

comment on table public.broadcast_recipients is 'Recipients of broadcasts, frozen when a broadcast starts';
comment on column public.broadcast_recipients.send_after is 'Earliest time, outside the quiet hours of the user''s time zone';
comment on column public.broadcast_recipients.error is 'Why it failed or was skipped';
comment on column public.broadcast_recipients.bought_at is 'First payment within broadcast_purchase_days of the message';
alter table public.broadcast_recipients enable row level security;
revoke all on table public.broadcast_recipients from public, anon, authenticated, service_role;

-- Which buttons of a broadcast a recipient has used, each once.

create table public.broadcast_clicks (
  broadcast_id bigint not null,
  user_id bigint not null,
  button smallint not null check (button >= 0),
  created_at timestamptz not null default private.clock(),
  primary key (broadcast_id, user_id, button),
  foreign key (broadcast_id, user_id) references public.broadcast_recipients (broadcast_id, user_id) on delete cascade
);

comment on table public.broadcast_clicks is 'Which buttons of a broadcast a recipient has used';
alter table public.broadcast_clicks enable row level security;
revoke all on table public.broadcast_clicks from public, anon, authenticated, service_role;

-- Messages and clicks of broadcasts by hour, for their charts.

create table public.broadcast_hours (
  broadcast_id bigint not null references public.broadcasts (id) on delete cascade,
  hour timestamptz not null,
  sent bigint not null default 0,
  clicked bigint not null default 0,
  primary key (broadcast_id, hour)
);

comment on table public.broadcast_hours is 'Messages and clicks of broadcasts by hour';
alter table public.broadcast_hours enable row level security;
revoke all on table public.broadcast_hours from public, anon, authenticated, service_role;

-- The picture, video or file of a broadcast: uploaded once, sent to Telegram once per bot, then sent by its id there.

create table public.broadcast_media (
  broadcast_id bigint primary key references public.broadcasts (id) on delete cascade,
  kind text not null check (kind in ('photo', 'video', 'document')),
  name text not null check (length(name) <= 200),
  mime_type text not null check (length(mime_type) <= 100),
  content bytea check (length(content) between 1 and 20971520),
  file_ids jsonb not null default '{}' check (jsonb_typeof(file_ids) = 'object'),
  created_at timestamptz not null default private.clock(),
  check (content is not null or file_ids <> '{}')
);

comment on table public.broadcast_media is 'The picture, video or file of a broadcast';
comment on column public.broadcast_media.content is 'The uploaded file; null: it was given as a file_id';
comment on column public.broadcast_media.file_ids is 'Telegram''s file_id by bot, once it was sent through that bot';
alter table public.broadcast_media enable row level security;
revoke all on table public.broadcast_media from public, anon, authenticated, service_role;

-- How fast broadcasts go out through a bot, over all runs of the job.

create table private.broadcast_pace (
  bot text primary key,
  next_at timestamptz not null default private.clock(),
  paused_until timestamptz
);

comment on table private.broadcast_pace is 'How fast broadcasts go out through a bot, over all runs of the job';
comment on column private.broadcast_pace.next_at is 'When the next batch may go out';
comment on column private.broadcast_pace.paused_until is 'Until when Telegram asked to wait (429), or after its errors; null: no pause';
alter table private.broadcast_pace enable row level security;
revoke all on table private.broadcast_pace from public, anon, authenticated, service_role;

-- Whether a user takes marketing messages, and when the last ones were sent. No row: takes them, and has had none.

create table public.message_consents (
  user_id bigint primary key references public.users (id) on delete cascade,
  unsubscribed_at timestamptz,
  last_marketing_at timestamptz,
  last_marketing_by bigint references public.broadcasts (id) on delete set null,
  last_contact_at timestamptz
);

create index message_consents_broadcast_idx on public.message_consents (last_marketing_by);

comment on table public.message_consents is 'Whether a user takes marketing messages, and when the last ones were sent';
comment on column public.message_consents.unsubscribed_at is 'When the user refused marketing messages (/unsubscribe); null: takes them';
comment on column public.message_consents.last_marketing_at is 'When the last marketing message was claimed for sending';
comment on column public.message_consents.last_marketing_by is 'The broadcast of that message';
comment on column public.message_consents.last_contact_at is 'When the last broadcast of any kind was sent';
alter table public.message_consents enable row level security;
revoke all on table public.message_consents from public, anon, authenticated, service_role;

-- Users in sequences. A user passes a sequence once.
--
-- active ─▶ finished
--    └────▶ left   by a purchase, a reply or /unsubscribe, unreachable, or not in its segment

create table public.sequence_runs (
  sequence_id bigint not null references public.sequences (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  status text not null default 'active' check (status in ('active', 'finished', 'left')),
  reason text,
  position integer not null default 0,
  due_at timestamptz not null,
  is_counted boolean not null default false,
  last_update_id bigint,
  last_bot text,
  bought_at timestamptz,
  entered_at timestamptz not null default private.clock(),
  ended_at timestamptz,
  primary key (sequence_id, user_id)
);

create index sequence_runs_user_idx on public.sequence_runs (user_id);
create index sequence_runs_due_idx on public.sequence_runs (sequence_id, due_at) where status = 'active';

comment on table public.sequence_runs is 'Users in sequences';
comment on column public.sequence_runs.position is 'Position of the last step that the user received or skipped; 0: none yet';
comment on column public.sequence_runs.is_counted is 'Whether sequences.entered includes it';
comment on column public.sequence_runs.last_update_id is 'bot_sessions.last_update_id in last_bot at the last step: another value is a reply';
comment on column public.sequence_runs.bought_at is 'When the user paid, since entering';
alter table public.sequence_runs enable row level security;
revoke all on table public.sequence_runs from public, anon, authenticated, service_role;

-- Collects what is stored about broadcasts that a user received, sequences, and the consent to marketing messages.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, { consent, received, clicks, sequences, written }
-- Errors: none.
create or replace function private.broadcasts_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'consent', (
      select to_jsonb(c) - array['user_id', 'last_marketing_by'] from public.message_consents as c where c.user_id = p_user_id
    ),
    'received', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'lease_until'] order by r.broadcast_id), '[]'::jsonb)
        from public.broadcast_recipients as r
       where r.user_id = p_user_id
    ),
    'clicks', (
      select coalesce(jsonb_agg(to_jsonb(k) - 'user_id' order by k.created_at, k.button), '[]'::jsonb)
        from public.broadcast_recipients as r
        join public.broadcast_clicks as k on k.broadcast_id = r.broadcast_id and k.user_id = r.user_id
       where r.user_id = p_user_id
    ),
    'sequences', (
      select coalesce(jsonb_agg(to_jsonb(q) - array['user_id', 'is_counted'] order by q.sequence_id), '[]'::jsonb)
        from public.sequence_runs as q
       where q.user_id = p_user_id
    ),
    'written', (
      select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'name', b.name) order by b.id), '[]'::jsonb)
        from public.broadcasts as b
       where p_user_id in (b.updated_by, b.started_by, b.approved_by)
    )
  );
$$;

revoke all on function private.broadcasts_section from public, anon, authenticated, service_role;
comment on function private.broadcasts_section is 'Data about broadcasts and a user';

-- Queues the steps of sequences that are due, at most p_limit users, and ends the way of those who bought, replied, unsubscribed or
-- can no longer be reached. A step whose segment does not hold the user is skipped. In the quiet hours of a user a step waits.
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
         where b.sequence_id = v_sequence.id and b.position > (v_due.run).position
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
           where b.sequence_id = v_sequence.id and b.position > v_step.position
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

-- Moves a moment out of the quiet hours of a time zone: to their end, or not at all. Hours are those of the clock there, so a
-- change to or from summer time needs nothing else.
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.after_quiet_hours(p_at timestamptz, p_zone text, p_from integer, p_until integer)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_from < p_until and l.hour >= p_from and l.hour < p_until
      then (l.day + make_interval(hours => p_until)) at time zone p_zone
    when p_from > p_until and l.hour >= p_from
      then (l.day + interval '1 day' + make_interval(hours => p_until)) at time zone p_zone
    when p_from > p_until and l.hour < p_until
      then (l.day + make_interval(hours => p_until)) at time zone p_zone
    else p_at
  end
  from (
    select date_trunc('day', p_at at time zone p_zone) as day,
           extract(hour from p_at at time zone p_zone)::integer as hour
  ) as l;
$$;

revoke all on function private.after_quiet_hours from public, anon, authenticated, service_role;
comment on function private.after_quiet_hours is 'Moves a moment out of the quiet hours of a time zone';

-- Approves a broadcast that waits for a second admin: it runs.
--
-- Concurrency: the row is locked; of two calls the second finds it running.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'approved' | 'own' | 'state' | 'none'        (own: the admin wrote or started it)
-- Errors: N0001 not an admin.
create or replace function public.approve_broadcast(p_actor_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.broadcast_admin(p_actor_id);
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
    v_email, 'broadcast_approve', null, null, '{}', jsonb_build_object('broadcast', p_id, 'recipients', v_row.total)
  );
  return jsonb_build_object('outcome', 'approved');
end
$$;

revoke all on function public.approve_broadcast from public, anon, authenticated, service_role;
grant execute on function public.approve_broadcast to bot_backend;
comment on function public.approve_broadcast is 'Approves a broadcast that waits for a second admin';

-- Writes the query of the users whom a broadcast reaches: user_id and bot of those with ids after $1 up to $2, through bot $3
-- (null: the one used last), of kind $4. They have a private chat that is not blocked, are not banned, take marketing messages
-- if it is one, and belong to the segment.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: Q0001 the segment is invalid.
create or replace function private.audience_query(p_segment jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return format(
    'select u.id as user_id, s.bot
       from public.users as u
       left join public.message_consents as c on c.user_id = u.id
      cross join lateral (
        select b.bot
          from public.bot_sessions as b
         where b.user_id = u.id and b.chat_id = u.telegram_id and not b.is_blocked and ($3::text is null or b.bot = $3)
         order by b.updated_at desc
         limit 1
      ) as s
      where u.id > $1 and u.id <= $2 and u.is_active and u.banned_at is null
        and ($4 = ''service'' or c.unsubscribed_at is null)
        and %s',
    private.segment_condition(p_segment)
  );
end
$$;

revoke all on function private.audience_query from public, anon, authenticated, service_role;
comment on function private.audience_query is 'Writes the query of the users whom a broadcast reaches';

-- Checks that a user may send broadcasts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the e-mail address for the audit log.
-- Errors: N0001 not an admin.
create or replace function private.broadcast_admin(p_actor_id bigint)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text;
begin
  select a.email
    into v_email
    from public.users as u
    join public.admins as a on a.telegram_id = u.telegram_id
   where u.id = p_actor_id and u.is_admin and u.banned_at is null
   order by a.email
   limit 1;
  if not found then
    raise exception 'not an admin' using errcode = 'N0001';
  end if;
  return v_email;
end
$$;

revoke all on function private.broadcast_admin from public, anon, authenticated, service_role;
comment on function private.broadcast_admin is 'Checks that a user may send broadcasts';

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
--   media: { kind: text, name: text } | null
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
        select jsonb_build_object('kind', m.kind, 'name', m.name)
          from public.broadcast_media as m
         where m.broadcast_id = p_broadcast.id
      )
    );
$$;

revoke all on function private.broadcast_card from public, anon, authenticated, service_role;
comment on function private.broadcast_card is 'A broadcast as pages show it';

-- Returns what a broadcast sends through a bot.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, { kind, content, media: { kind, file_id } | null }
-- Errors: none.
create or replace function private.broadcast_content(p_broadcast public.broadcasts, p_bot text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('kind', p_broadcast.kind, 'content', p_broadcast.content, 'media', (
    select jsonb_build_object('kind', m.kind, 'file_id', m.file_ids ->> p_bot)
      from public.broadcast_media as m
     where m.broadcast_id = p_broadcast.id
  ));
$$;

revoke all on function private.broadcast_content from public, anon, authenticated, service_role;
comment on function private.broadcast_content is 'What a broadcast sends through a bot';

-- Returns how many messages of a broadcast were sent and clicked in each of its first 48 hours. Written when they are sent
-- (private.count_broadcast_hour), not counted from the recipients.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, [{ at, sent, clicked }]
-- Errors: none.
create or replace function private.broadcast_hours(p_broadcast public.broadcasts)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(jsonb_build_object('at', h.hour, 'sent', h.sent, 'clicked', h.clicked) order by h.hour), '[]'::jsonb
  )
  from (
    select t.hour, t.sent, t.clicked
      from public.broadcast_hours as t
     where t.broadcast_id = p_broadcast.id
     order by t.hour
     limit 48
  ) as h;
$$;

revoke all on function private.broadcast_hours from public, anon, authenticated, service_role;
comment on function private.broadcast_hours is 'Messages and clicks of a broadcast by hour';

-- Locks the pace of a bot and returns how many messages of broadcasts it may send now. What ordinary messages of the bot wait in
-- the outbox comes first.
--
-- Concurrency: the row is locked until the end of the transaction, so that all runs of the job together keep the pace.
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
  v_now timestamptz;
  v_at timestamptz;
begin
  insert into private.broadcast_pace (bot) values (p_bot) on conflict (bot) do nothing;
  select greatest(p.next_at, p.paused_until) into v_at from private.broadcast_pace as p where p.bot = p_bot for update;
  v_now := private.clock();
  room := least(p_limit, private.setting('broadcast_rate')::integer);
  wait := extract(epoch from v_at - v_now);
  if wait > 0 then
    room := 0;
    return;
  end if;
  room := greatest(room - (
    select count(*)
      from (
        select
          from public.telegram_outbox as o
         where o.bot = p_bot and o.send_after <= v_now
         limit room
      ) as w
  ), 0);
  wait := 1;
end
$$;

revoke all on function private.broadcast_room from public, anon, authenticated, service_role;
comment on function private.broadcast_room is 'How many messages of broadcasts a bot may send now';

-- Claims messages of running broadcasts for sending through a bot, at most p_limit and what its pace allows, those of sequences
-- and of service broadcasts first. A recipient who may not get it any more is skipped; one in the quiet hours waits for their end.
-- Messages whose lease has passed become unknown: they may have been sent, and are never sent again.
--
-- Concurrency: the pace of the bot is locked, so claims of one bot follow each other; recipients that another transaction has
--   locked are skipped. A broadcast that was paused or canceled before gives nothing.
-- Locks: pace of the bot, recipients and users (NO KEY UPDATE), both skipped where locked, then consents, then broadcasts.
-- Returns: jsonb
--   wait: float                (seconds until the next call; 0: at once)
--   checked: int               (recipients looked at; 0: none is due)
--   contents: { [text]: { kind: text, content: jsonb, media: { kind: text, file_id: text | null } | null } }
--   messages: [{
--     broadcast_id: bigint
--     user_id: bigint
--     chat_id: bigint
--     name: text
--     languages: [ text | null ]
--   }]
-- Errors: none.
create or replace function public.claim_broadcast(p_bot text, p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_from constant integer := private.setting('broadcast_quiet_from')::integer;
  v_until constant integer := private.setting('broadcast_quiet_until')::integer;
  v_pause constant interval := make_interval(days => private.setting('broadcast_marketing_days')::integer);
  v_room integer;
  v_wait double precision;
  v_broadcast public.broadcasts;
  v_due record;
  v_reason text;
  v_after timestamptz;
  v_checked integer := 0;
  v_skipped integer;
  v_messages jsonb := '[]'::jsonb;
  v_contents jsonb := '{}'::jsonb;
begin
  select r.room, r.wait into v_room, v_wait from private.broadcast_room(p_bot, p_limit) as r;
  v_now := private.clock();
  if v_room = 0 then
    return jsonb_build_object('wait', v_wait, 'checked', 0, 'contents', v_contents, 'messages', v_messages);
  end if;
  for v_broadcast in
    select b.*
      from public.broadcasts as b
     where b.status = 'running'
     order by b.sequence_id is null, b.kind = 'marketing', b.id
  loop
    v_skipped := 0;
    for v_due in
      select r.user_id, u as person
        from public.broadcast_recipients as r
        join public.users as u on u.id = r.user_id
       where r.broadcast_id = v_broadcast.id and r.bot = p_bot and r.status = 'queued' and r.send_after <= v_now
       order by r.send_after
       limit 200
         for update of r skip locked
         for no key update of u skip locked
    loop
      v_checked := v_checked + 1;
      v_after := private.after_quiet_hours(v_now, private.reminder_time_zone(v_due.user_id), v_from, v_until);
      v_reason := private.skip_reason(v_broadcast, v_due.person, p_bot);
      if v_reason is null and v_after <= v_now and v_broadcast.kind = 'marketing' then
        -- Only holders of the user's row write here, so that of two broadcasts one is the message of the week.
        insert into public.message_consents as c (user_id, last_marketing_at, last_marketing_by)
        values (v_due.user_id, v_now, v_broadcast.id)
        on conflict (user_id) do update
          set last_marketing_at = excluded.last_marketing_at, last_marketing_by = excluded.last_marketing_by
        where c.unsubscribed_at is null and (
          v_broadcast.ignores_limit
          or c.last_marketing_by = v_broadcast.id
          or c.last_marketing_at is null
          or c.last_marketing_at <= v_now - v_pause
        );
        v_reason := case when not found then 'limit' end;
      end if;
      update public.broadcast_recipients as r
         set status = case when v_reason is not null then 'skipped' when v_after > v_now then 'queued' else 'sending' end,
             error = v_reason,
             send_after = v_after,
             lease_until = case when v_reason is null and v_after <= v_now then v_now + interval '2 minutes' end
       where r.broadcast_id = v_broadcast.id and r.user_id = v_due.user_id;
      if v_reason is not null then
        v_skipped := v_skipped + 1;
        continue;
      elsif v_after > v_now then
        continue;
      end if;
      v_messages := v_messages || jsonb_build_object(
        'broadcast_id', v_broadcast.id,
        'user_id', v_due.user_id,
        'chat_id', (v_due.person).telegram_id,
        'name', (v_due.person).first_name,
        'languages', jsonb_build_array((v_due.person).language, (v_due.person).language_code)
      );
      if not v_contents ? v_broadcast.id::text then
        v_contents := v_contents || jsonb_build_object(v_broadcast.id::text, private.broadcast_content(v_broadcast, p_bot));
      end if;
      exit when jsonb_array_length(v_messages) >= v_room;
    end loop;
    if v_skipped > 0 then
      update public.broadcasts as b set skipped = b.skipped + v_skipped where b.id = v_broadcast.id;
    end if;
    exit when jsonb_array_length(v_messages) >= v_room;
  end loop;
  if v_messages <> '[]' then
    perform private.use_broadcast_room(p_bot, jsonb_array_length(v_messages));
  end if;
  return jsonb_build_object('wait', 0, 'checked', v_checked, 'contents', v_contents, 'messages', v_messages);
end
$$;

revoke all on function public.claim_broadcast from public, anon, authenticated, service_role;
grant execute on function public.claim_broadcast to bot_backend;
comment on function public.claim_broadcast is 'Claims messages of broadcasts for sending through a bot';

-- Claims messages of a broadcast that are to be deleted again, at most p_limit: those younger than 48 hours, which Telegram still
-- deletes. The last call ends the deletion. Deletions of all bots together keep the pace of one.
--
-- Concurrency: the pace of deletions is locked, so calls follow each other; a message whose deletion was not recorded is claimed
--   again.
-- Locks: pace of deletions (its bot is empty), recipients by user, broadcast.
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
  v_room integer;
  v_wait double precision;
  v_messages jsonb := '[]'::jsonb;
begin
  select r.room, r.wait into v_room, v_wait from private.broadcast_room('', p_limit) as r;
  select b.* into v_row from public.broadcasts as b where b.deleting_after is not null order by b.id limit 1;
  if not found or v_room = 0 then
    return jsonb_build_object('is_open', v_row.id is not null, 'wait', v_wait, 'messages', v_messages);
  end if;
  with due as (
    select r.user_id
      from public.broadcast_recipients as r
     where r.broadcast_id = v_row.id and r.user_id > v_row.deleting_after and r.status = 'sent'
       and r.message_id is not null and r.sent_at > v_now - interval '48 hours'
     order by r.user_id
     limit v_room
       for update
  ), claimed as (
    update public.broadcast_recipients as r
       set status = 'deleting', lease_until = v_now + interval '2 minutes'
      from due as d
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
  perform private.use_broadcast_room('', jsonb_array_length(v_messages));
  return jsonb_build_object('is_open', v_messages <> '[]', 'wait', 0, 'messages', v_messages);
end
$$;

revoke all on function public.claim_deletions from public, anon, authenticated, service_role;
grant execute on function public.claim_deletions to bot_backend;
comment on function public.claim_deletions is 'Claims messages of a broadcast that are to be deleted';

-- Counts messages and clicks of a broadcast in this hour.
--
-- Concurrency: an upsert of one row; concurrent calls add up.
-- Locks: the hour's row.
-- Returns: void
-- Errors: none.
create or replace function private.count_broadcast_hour(p_broadcast_id bigint, p_sent bigint, p_clicked bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.broadcast_hours as h (broadcast_id, hour, sent, clicked)
  values (p_broadcast_id, date_trunc('hour', private.clock()), p_sent, p_clicked)
  on conflict (broadcast_id, hour) do update
    set sent = h.sent + excluded.sent, clicked = h.clicked + excluded.clicked;
$$;

revoke all on function private.count_broadcast_hour from public, anon, authenticated, service_role;
comment on function private.count_broadcast_hour is 'Counts messages and clicks of a broadcast in this hour';

-- Counts the users whom a broadcast would reach now, among up to p_limit users after p_after. The caller adds up the parts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   count: bigint
--   next: bigint | null         (p_after of the next part; null: none is left)
-- Errors: N0001 not an admin, Q0001 the segment is invalid.
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
  perform private.broadcast_admin(p_actor_id);
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

-- Lets a user enter the active sequences of an event that have a step. Each sequence takes a user once.
--
-- Concurrency: an insert per sequence; concurrent calls insert one row.
-- Locks: user (KEY SHARE, by the foreign key).
-- Returns: void
-- Errors: none.
create or replace function private.enter_sequences(p_user_id bigint, p_event text)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.sequence_runs (sequence_id, user_id, due_at)
  select s.id, p_user_id, private.clock() + make_interval(mins => f.delay_minutes)
    from public.sequences as s
   cross join lateral (
     select b.delay_minutes from public.broadcasts as b where b.sequence_id = s.id order by b.position limit 1
   ) as f
   where s.is_active and s.event = p_event
  on conflict (sequence_id, user_id) do nothing;
$$;

revoke all on function private.enter_sequences from public, anon, authenticated, service_role;
comment on function private.enter_sequences is 'Lets a user enter the sequences of an event';

-- Lets users who started a bot since the last look enter the sequences of the event start. Sessions whose transaction took up to ten
-- minutes are seen.
--
-- Concurrency: the sequences are locked, skipped by other runs; each takes a user once.
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
    insert into public.sequence_runs (sequence_id, user_id, due_at)
    select v_sequence.id, n.user_id, min(n.created_at) + make_interval(mins => f.delay_minutes)
      from public.bot_sessions as n
      join public.users as u on u.id = n.user_id and u.telegram_id = n.chat_id
     cross join lateral (
       select b.delay_minutes
         from public.broadcasts as b
        where b.sequence_id = v_sequence.id
        order by b.position
        limit 1
     ) as f
     where n.created_at >= v_sequence.starts_from - interval '10 minutes'
       and (v_sequence.bot is null or n.bot = v_sequence.bot)
     group by n.user_id, f.delay_minutes
     order by n.user_id
    on conflict (sequence_id, user_id) do nothing;
    update public.sequences as s set starts_from = v_now where s.id = v_sequence.id;
  end loop;
end
$$;

revoke all on function private.enter_started from public, anon, authenticated, service_role;
comment on function private.enter_started is 'Lets users who started a bot enter the sequences of that event';

-- Freezes recipients of the oldest broadcast that was started, among the next p_limit users; the last part makes it run, or
-- wait for a second admin.
--
-- Concurrency: the broadcast is locked, skipped by other runs, and remembers how far it is: a run that is killed loses its part
--   alone, and the next one repeats it.
-- Locks: broadcast (FOR UPDATE SKIP LOCKED), then users (KEY SHARE), by id.
-- Returns: jsonb
--   is_open: boolean          (false: nothing is left to freeze)
-- Errors: none.
create or replace function public.freeze_broadcasts(p_limit integer default 10000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_row public.broadcasts;
  v_last bigint;
  v_count bigint;
begin
  select b.*
    into v_row
    from public.broadcasts as b
   where b.status = 'freezing'
   order by b.id
   limit 1
     for update skip locked;
  if not found then
    return jsonb_build_object('is_open', false);
  end if;
  select max(r.id)
    into v_last
    from (
      select u.id
        from public.users as u
       where u.id > v_row.frozen_after and u.id <= v_row.freeze_until
       order by u.id
       limit p_limit
    ) as r;
  if v_last is null then
    perform private.open_broadcast(v_row);
    return jsonb_build_object('is_open', true);
  end if;
  execute format(
    'insert into public.broadcast_recipients (broadcast_id, user_id, bot, send_after)
     select $5, a.user_id, a.bot, private.after_quiet_hours($6, coalesce(z.next_time_zone, z.time_zone, $7), $8, $9)
       from (%s) as a
       left join public.streaks as z on z.user_id = a.user_id
      order by a.user_id
     on conflict (broadcast_id, user_id) do nothing',
    private.audience_query(v_row.segment)
  )
    using v_row.frozen_after, v_last, v_row.bot, v_row.kind, v_row.id, v_now, private.setting('quota_timezone'),
          private.setting('broadcast_quiet_from')::integer, private.setting('broadcast_quiet_until')::integer;
  get diagnostics v_count = row_count;
  update public.broadcasts as b
     set frozen_after = v_last, total = b.total + v_count
   where b.id = v_row.id;
  return jsonb_build_object('is_open', true);
end
$$;

revoke all on function public.freeze_broadcasts from public, anon, authenticated, service_role;
grant execute on function public.freeze_broadcasts to bot_backend;
comment on function public.freeze_broadcasts is 'Freezes the recipients of a broadcast that was started, part by part';

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
--   } | null           (null: there is none)
-- Errors: N0001 not an admin.
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
  perform private.broadcast_admin(p_actor_id);
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
    'purchase_days', private.setting('broadcast_purchase_days')::integer
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
-- Errors: N0001 not an admin.
create or replace function public.get_sequence(p_actor_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.broadcast_admin(p_actor_id);
  return (select private.sequence_card(s) from public.sequences as s where s.id = p_id);
end
$$;

revoke all on function public.get_sequence from public, anon, authenticated, service_role;
grant execute on function public.get_sequence to bot_backend;
comment on function public.get_sequence is 'A sequence with its steps';

-- Whether a user belongs to a segment.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: Q0001 the segment is invalid.
create or replace function private.is_in_segment(p_user_id bigint, p_segment jsonb)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found boolean;
begin
  if p_segment = '{}' then
    return true;
  end if;
  execute format(
    'select exists (select from public.users as u left join public.message_consents as c on c.user_id = u.id'
    ' where u.id = $1 and %s)', private.segment_condition(p_segment)
  ) into v_found using p_user_id;
  return v_found;
end
$$;

revoke all on function private.is_in_segment from public, anon, authenticated, service_role;
comment on function private.is_in_segment is 'Whether a user belongs to a segment';

-- Says why a user leaves a sequence before its next step.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: purchase, reply, unsubscribed, unreachable, segment; null: the user stays.
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

-- Lists broadcasts before p_before, the newest first, without steps of sequences.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   broadcasts: [ private.broadcast_card ]
--   waiting: int              (broadcasts that a second admin must approve)
-- Errors: N0001 not an admin.
create or replace function public.list_broadcasts(p_actor_id bigint, p_before bigint, p_limit integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.broadcast_admin(p_actor_id);
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
-- Errors: N0001 not an admin.
create or replace function public.list_sequences(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.broadcast_admin(p_actor_id);
  return (
    select coalesce(jsonb_agg(private.sequence_card(s) order by s.id desc), '[]'::jsonb) from public.sequences as s
  );
end
$$;

revoke all on function public.list_sequences from public, anon, authenticated, service_role;
grant execute on function public.list_sequences to bot_backend;
comment on function public.list_sequences is 'Lists sequences';

-- Counts a purchase for the broadcasts that the buyer received within broadcast_purchase_days, and for sequences: the buyer leaves
-- those that a purchase ends, and enters those of the purchase.
--
-- Concurrency: the caller holds the user's row and calls once per payment.
-- Locks: recipients, runs, broadcasts by id.
-- Returns: void
-- Errors: none.
create or replace function private.on_purchase(p_user_id bigint, p_order_id bigint, p_kind text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_broadcast_id bigint;
begin
  update public.sequence_runs as q
     set bought_at = coalesce(q.bought_at, v_now), due_at = least(q.due_at, v_now)
   where q.user_id = p_user_id and q.status = 'active';
  for v_broadcast_id in
    with bought as (
      update public.broadcast_recipients as r
         set bought_at = v_now
       where r.user_id = p_user_id
         and r.bought_at is null
         and r.status in ('sent', 'unknown')
         and r.sent_at > v_now - make_interval(days => private.setting('broadcast_purchase_days')::integer)
      returning r.broadcast_id
    )
    select b.broadcast_id from bought as b order by b.broadcast_id
  loop
    update public.broadcasts as b set bought = b.bought + 1 where b.id = v_broadcast_id;
  end loop;
  if p_kind = 'course' then
    perform private.enter_sequences(p_user_id, 'course_bought');
  end if;
  if not exists (
    select from public.orders as o where o.user_id = p_user_id and o.status = 'completed' and o.id <> p_order_id
  ) then
    perform private.enter_sequences(p_user_id, 'first_payment');
  end if;
end
$$;

revoke all on function private.on_purchase from public, anon, authenticated, service_role;
comment on function private.on_purchase is 'Counts a purchase for broadcasts and sequences';

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
      from public.users as u
      join public.admins as a on a.telegram_id = u.telegram_id
     where u.is_admin
       and u.id is distinct from p_broadcast.started_by
       and u.id is distinct from p_broadcast.updated_by
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

-- Marks messages whose lease has passed as unknown, finishes broadcasts without open recipients, and says which bots have
-- something to send now.
--
-- Concurrency: recipients that another transaction has locked are skipped; a broadcast is finished once.
-- Locks: recipients (skipped where locked), then broadcasts by id.
-- Returns: jsonb
--   bots: [ text ]
--   is_deleting: boolean       (messages that were sent are to be deleted)
-- Errors: none.
create or replace function public.prepare_broadcasts()
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_lost record;
begin
  for v_lost in
    with expired as (
      select r.broadcast_id, r.user_id, r.status
        from public.broadcast_recipients as r
       where r.status in ('sending', 'deleting') and r.lease_until < v_now
       order by r.broadcast_id, r.user_id
       limit 10000
         for update skip locked
    ), changed as (
      update public.broadcast_recipients as r
         set status = case e.status when 'sending' then 'unknown' else 'sent' end,
             lease_until = null,
             sent_at = case e.status when 'sending' then e.lease else r.sent_at end
        from (select x.*, v_now as lease from expired as x) as e
       where r.broadcast_id = e.broadcast_id and r.user_id = e.user_id
      returning r.broadcast_id, r.user_id, e.status
    )
    select c.broadcast_id,
           count(*) filter (where c.status = 'sending') as unknown,
           min(c.user_id) filter (where c.status = 'deleting') as undeleted
      from changed as c
     group by c.broadcast_id
     order by c.broadcast_id
  loop
    update public.broadcasts as b
       set unknown = b.unknown + v_lost.unknown, deleting_after = least(b.deleting_after, v_lost.undeleted - 1)
     where b.id = v_lost.broadcast_id;
  end loop;
  update public.broadcasts as b
     set status = 'done', finished_at = v_now, updated_at = v_now
   where b.status = 'running'
     and b.sequence_id is null
     and not exists (select from public.broadcast_recipients as r where r.broadcast_id = b.id and r.status = 'queued')
     and not exists (
       select from public.broadcast_recipients as r where r.broadcast_id = b.id and r.status in ('sending', 'deleting')
     );
  return jsonb_build_object(
    'bots', (
      select coalesce(jsonb_agg(k.bot order by k.bot), '[]'::jsonb)
        from (
          select distinct s.bot
            from public.broadcasts as b
           cross join lateral private.queued_bots(b.id, v_now) as s (bot)
           where b.status = 'running'
        ) as k
    ),
    'is_deleting', exists (select from public.broadcasts as b where b.deleting_after is not null)
  );
end
$$;

revoke all on function public.prepare_broadcasts from public, anon, authenticated, service_role;
grant execute on function public.prepare_broadcasts to bot_backend;
comment on function public.prepare_broadcasts is 'Ends leases and broadcasts, and says which bots have messages to send';

-- Returns the bots through which messages of a broadcast are due: one index probe for each bot.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: setof text
-- Errors: none.
create or replace function private.queued_bots(p_broadcast_id bigint, p_now timestamptz)
returns setof text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text := '';
begin
  loop
    select r.bot
      into v_bot
      from public.broadcast_recipients as r
     where r.broadcast_id = p_broadcast_id and r.status = 'queued' and r.bot > v_bot
     order by r.bot
     limit 1;
    exit when not found;
    if exists (
      select
        from public.broadcast_recipients as r
       where r.broadcast_id = p_broadcast_id and r.status = 'queued' and r.bot = v_bot and r.send_after <= p_now
    ) then
      return next v_bot;
    end if;
  end loop;
end
$$;

revoke all on function private.queued_bots from public, anon, authenticated, service_role;
comment on function private.queued_bots is 'Bots with due messages of a broadcast';

-- Returns the file of a broadcast, to upload it to Telegram.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--      kind: text
--      name: text
--      mime_type: text
--      content: text | null       (base64)
--   } | null           (null: there is none)
-- Errors: none.
create or replace function public.read_broadcast_media(p_broadcast_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'kind', m.kind, 'name', m.name, 'mime_type', m.mime_type, 'content', encode(m.content, 'base64')
    )
    from public.broadcast_media as m
   where m.broadcast_id = p_broadcast_id;
$$;

revoke all on function public.read_broadcast_media from public, anon, authenticated, service_role;
grant execute on function public.read_broadcast_media to bot_backend;
comment on function public.read_broadcast_media is 'The file of a broadcast, to upload it';

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
    update private.broadcast_pace as p
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

-- Counts a click of a recipient on a button, once per button, and says where the button leads. A click of another user (a test,
-- a forwarded message) is not counted, and leads there all the same.
--
-- Concurrency: the click is inserted once; concurrent calls count it once.
-- Locks: recipient, broadcast.
-- Returns: jsonb
--   target: jsonb | null       (the button as content has it; null: there is none)
--   is_counted: boolean
-- Errors: none.
create or replace function public.record_broadcast_click(p_broadcast_id bigint, p_user_id bigint, p_button integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_button jsonb;
  v_is_first boolean;
begin
  select b.content -> 'buttons' -> p_button into v_button from public.broadcasts as b where b.id = p_broadcast_id;
  if v_button is null or p_button < 0 then
    return jsonb_build_object('target', null, 'is_counted', false);
  end if;
  select r.clicked_at is null
    into v_is_first
    from public.broadcast_recipients as r
   where r.broadcast_id = p_broadcast_id and r.user_id = p_user_id and r.status in ('sending', 'sent', 'unknown')
     for no key update;
  if not found then
    return jsonb_build_object('target', v_button, 'is_counted', false);
  end if;
  insert into public.broadcast_clicks (broadcast_id, user_id, button)
  values (p_broadcast_id, p_user_id, p_button)
  on conflict do nothing;
  if not found then
    return jsonb_build_object('target', v_button, 'is_counted', false);
  end if;
  if v_is_first then
    update public.broadcast_recipients as r
       set clicked_at = private.clock()
     where r.broadcast_id = p_broadcast_id and r.user_id = p_user_id;
    perform private.count_broadcast_hour(p_broadcast_id, 0, 1);
  end if;
  update public.broadcasts as b
     set clicked = b.clicked + v_is_first::integer,
         clicks = b.clicks || jsonb_build_object(
           p_button::text, coalesce((b.clicks ->> p_button::text)::bigint, 0) + 1
         )
   where b.id = p_broadcast_id;
  return jsonb_build_object('target', v_button, 'is_counted', true);
end
$$;

revoke all on function public.record_broadcast_click from public, anon, authenticated, service_role;
grant execute on function public.record_broadcast_click to bot_backend;
comment on function public.record_broadcast_click is 'Counts a click of a recipient, and says where the button leads';

-- Records which messages of a broadcast were deleted. p_results: [{broadcast_id, user_id, outcome: deleted | kept | later, error}].
-- later: it is claimed again once its lease has passed.
--
-- Concurrency: a message is recorded once.
-- Locks: recipients, then broadcasts by id.
-- Returns: jsonb
--   deleted: int
-- Errors: none.
create or replace function public.record_deletions(p_results jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted integer := 0;
  v_counts record;
begin
  for v_counts in
    with changed as (
      update public.broadcast_recipients as r
         set status = case n.value ->> 'outcome' when 'deleted' then 'deleted' else 'sent' end,
             lease_until = null,
             message_id = null,
             error = left(n.value ->> 'error', 300)
        from jsonb_array_elements(p_results) as n (value)
       where r.broadcast_id = (n.value ->> 'broadcast_id')::bigint
         and r.user_id = (n.value ->> 'user_id')::bigint
         and r.status = 'deleting'
         and n.value ->> 'outcome' <> 'later'
      returning r.broadcast_id, r.status
    )
    select c.broadcast_id, count(*) filter (where c.status = 'deleted') as deleted
      from changed as c
     group by c.broadcast_id
     order by c.broadcast_id
  loop
    v_deleted := v_deleted + v_counts.deleted;
    update public.broadcasts as b set deleted = b.deleted + v_counts.deleted where b.id = v_counts.broadcast_id;
  end loop;
  return jsonb_build_object('deleted', v_deleted);
end
$$;

revoke all on function public.record_deletions from public, anon, authenticated, service_role;
grant execute on function public.record_deletions to bot_backend;
comment on function public.record_deletions is 'Records which messages of broadcasts were deleted';

-- Creates a draft or a step of a sequence (p_id null), or changes one. p_values: name, kind, bot, segment, content,
-- ignores_limit; of a step also sequence_id (of a new one) and delay_minutes. A broadcast that has started does not change; a
-- step does, for users who have not received it.
--
-- Concurrency: the row is locked, and changed in the version that the editor has read only.
-- Locks: sequence (a new step), broadcast.
-- Returns: jsonb
--   outcome: 'saved' | 'changed' | 'started' | 'none'
--   id?: bigint                (saved)
-- Errors: N0001 not an admin, Q0001 a value is invalid.
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
  perform private.broadcast_admin(p_actor_id);
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

-- Saves the file_id that Telegram gave a bot for the file of a broadcast: from then on it is not uploaded again.
--
-- Concurrency: of two ids of a bot the first stays; both are valid.
-- Locks: media.
-- Returns: void
-- Errors: none.
create or replace function public.save_broadcast_file_id(p_broadcast_id bigint, p_bot text, p_file_id text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.broadcast_media as m
     set file_ids = jsonb_build_object(p_bot, p_file_id) || m.file_ids
   where m.broadcast_id = p_broadcast_id;
$$;

revoke all on function public.save_broadcast_file_id from public, anon, authenticated, service_role;
grant execute on function public.save_broadcast_file_id to bot_backend;
comment on function public.save_broadcast_file_id is 'Saves the id that a bot got for the file of a broadcast';

-- Stores the picture, video or file of a draft or a step: p_media {kind, name, mime_type, bot, file_id} with p_content in base64, or
-- with a file_id of a bot; null removes it.
--
-- Concurrency: the broadcast is locked; the later of two calls counts.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'saved' | 'started' | 'none'
-- Errors: N0001 not an admin, Q0001 a value is invalid.
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
  perform private.broadcast_admin(p_actor_id);
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
-- Errors: N0001 not an admin, Q0001 a value is invalid.
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
  perform private.broadcast_admin(p_actor_id);
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
      when 'uncontacted_days' then format(
        '(c.last_contact_at is null or c.last_contact_at < private.clock() - make_interval(days => %s))',
        private.segment_number(v_value)
      )
    end;
    if v_parts[cardinality(v_parts)] is null
      or (v_key in ('plans', 'languages', 'bought') and coalesce(cardinality(v_list), 0) = 0)
    then
      raise exception 'segment: %', v_key using errcode = 'Q0001';
    end if;
  end loop;
  return case when v_parts = '{}' then 'true' else array_to_string(v_parts, ' and ') end;
end
$$;

revoke all on function private.segment_condition from public, anon, authenticated, service_role;
comment on function private.segment_condition is 'Writes a segment as a condition of SQL';

-- Reads a number of a segment: a positive whole number.
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: bigint
-- Errors: Q0001 it is none.
create or replace function private.segment_number(p_value jsonb)
returns bigint
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_value) is distinct from 'number' or p_value #>> '{}' !~ '^[1-9][0-9]{0,17}$' then
    raise exception 'segment: a number' using errcode = 'Q0001';
  end if;
  return (p_value #>> '{}')::bigint;
end
$$;

revoke all on function private.segment_number from public, anon, authenticated, service_role;
comment on function private.segment_number is 'Reads a number of a segment';

-- Returns a sequence as pages show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   name: text
--   event: text
--   kind: 'marketing' | 'service'
--   bot: text | null
--   segment: jsonb
--   ignores_limit: boolean
--   leaves_on_purchase: boolean
--   leaves_on_reply: boolean
--   is_active: boolean
--   version: int
--   entered: bigint
--   finished: bigint
--   left_counts: jsonb
--   steps: [ private.broadcast_card ]
-- Errors: none.
create or replace function private.sequence_card(p_sequence public.sequences)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(p_sequence) - array['starts_from', 'created_at', 'updated_at'] || jsonb_build_object('steps', (
    select coalesce(jsonb_agg(private.broadcast_card(b) order by b.position), '[]'::jsonb)
      from public.broadcasts as b
     where b.sequence_id = p_sequence.id
  ));
$$;

revoke all on function private.sequence_card from public, anon, authenticated, service_role;
comment on function private.sequence_card is 'A sequence as pages show it';

-- Sets whether a user takes marketing messages. Who takes none leaves the sequences of marketing.
--
-- Concurrency: an upsert; of two calls the later one counts, and a repeated one changes nothing.
-- Locks: user (KEY SHARE), consent.
-- Returns: jsonb
--   is_known: boolean          (false: there is no such user)
-- Errors: none.
create or replace function public.set_marketing(p_user_id bigint, p_wants boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    return jsonb_build_object('is_known', false);
  end if;
  insert into public.message_consents as c (user_id, unsubscribed_at)
  values (p_user_id, case when not p_wants then private.clock() end)
  on conflict (user_id) do update
    set unsubscribed_at = case when not p_wants then coalesce(c.unsubscribed_at, excluded.unsubscribed_at) end;
  return jsonb_build_object('is_known', true);
end
$$;

revoke all on function public.set_marketing from public, anon, authenticated, service_role;
grant execute on function public.set_marketing to bot_backend;
comment on function public.set_marketing is 'Sets whether a user takes marketing messages';

-- Says why a recipient of a broadcast is left out when the turn comes.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: banned, blocked, unsubscribed, left (the sequence); null: the message goes out.
-- Errors: none.
create or replace function private.skip_reason(p_broadcast public.broadcasts, p_user public.users, p_bot text)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_user.banned_at is not null then 'banned'
    when not exists (
      select
        from public.bot_sessions as s
       where s.user_id = p_user.id and s.bot = p_bot and s.chat_id = p_user.telegram_id and not s.is_blocked
    ) then 'blocked'
    when p_broadcast.kind = 'marketing' and exists (
      select from public.message_consents as c where c.user_id = p_user.id and c.unsubscribed_at is not null
    ) then 'unsubscribed'
    when exists (
      select
        from public.sequence_runs as q
        join public.sequences as e on e.id = q.sequence_id
       where q.sequence_id = p_broadcast.sequence_id and q.user_id = p_user.id
         and q.bought_at is not null and e.leaves_on_purchase
    ) then 'left'
  end;
$$;

revoke all on function private.skip_reason from public, anon, authenticated, service_role;
comment on function private.skip_reason is 'Why a recipient of a broadcast is left out';

-- Starts a draft: the job freezes its recipients (private.freeze_broadcast), then sends, or waits for a second admin.
--
-- Concurrency: the row is locked; of two calls the second finds it started.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'started' | 'changed' | 'state' | 'empty' | 'none'       (empty: it has no text and no media)
-- Errors: N0001 not an admin.
create or replace function public.start_broadcast(p_actor_id bigint, p_id bigint, p_version integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.broadcast_admin(p_actor_id);
  v_row public.broadcasts;
begin
  select b.* into v_row from public.broadcasts as b where b.id = p_id and b.sequence_id is null for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.status <> 'draft' then
    return jsonb_build_object('outcome', 'state');
  elsif v_row.version <> p_version then
    return jsonb_build_object('outcome', 'changed');
  elsif coalesce(v_row.content -> 'texts', '{}') = '{}'
    and not exists (select from public.broadcast_media as m where m.broadcast_id = p_id)
  then
    return jsonb_build_object('outcome', 'empty');
  end if;
  update public.broadcasts as b
     set status = 'freezing', started_by = p_actor_id, started_at = private.clock(), frozen_after = 0,
         freeze_until = (select coalesce(max(u.id), 0) from public.users as u), updated_at = private.clock()
   where b.id = p_id;
  perform private.write_audit(
    v_email, 'broadcast_start', null, null, '{}',
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
-- Errors: N0001 not an admin.
create or replace function public.switch_broadcast(p_actor_id bigint, p_id bigint, p_action text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_email constant text := private.broadcast_admin(p_actor_id);
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
    v_email, 'broadcast_' || p_action, null, null, jsonb_build_object('status', v_row.status),
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
--   outcome: 'done' | 'state' | 'empty' | 'none'        (empty: it has no step)
-- Errors: N0001 not an admin.
create or replace function public.switch_sequence(p_actor_id bigint, p_id bigint, p_action text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_email constant text := private.broadcast_admin(p_actor_id);
  v_row public.sequences;
begin
  select s.* into v_row from public.sequences as s where s.id = p_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif p_action not in ('start', 'stop', 'delete') or v_row.is_active = (p_action <> 'stop') then
    return jsonb_build_object('outcome', 'state');
  elsif p_action = 'start' and not exists (select from public.broadcasts as b where b.sequence_id = p_id) then
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
    v_email, 'sequence_' || p_action, null, null, '{}', jsonb_build_object('sequence', p_id, 'name', v_row.name)
  );
  return jsonb_build_object('outcome', 'done');
end
$$;

revoke all on function public.switch_sequence from public, anon, authenticated, service_role;
grant execute on function public.switch_sequence to bot_backend;
comment on function public.switch_sequence is 'Activates, stops or deletes a sequence';

-- Says whether a user takes marketing messages.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   takes: boolean
-- Errors: none.
create or replace function public.takes_marketing(p_user_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('takes', not exists (
    select from public.message_consents as c where c.user_id = p_user_id and c.unsubscribed_at is not null
  ));
$$;

revoke all on function public.takes_marketing from public, anon, authenticated, service_role;
grant execute on function public.takes_marketing to bot_backend;
comment on function public.takes_marketing is 'Whether a user takes marketing messages';

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
  update private.broadcast_pace as p
     set next_at = private.clock() + make_interval(secs => p_count / private.setting('broadcast_rate')::double precision)
   where p.bot = p_bot;
$$;

revoke all on function private.use_broadcast_room from public, anon, authenticated, service_role;
comment on function private.use_broadcast_room is 'Counts messages of broadcasts that a bot sends now';

-- Creates an order of one product at its current price, less the user's discount unless the order renews or tops up the
-- balance. From balance (provider balance, see public.pay_from_balance) everything except a top-up is sold, in balance_currency
-- and for one period. The order expires after order_hours, or with its discount if that is sooner.
--
-- p_reference: idempotency key. p_message_id: message whose button was tapped; if it invites to pay an order already (a double
-- tap, or an old screen), the same choice gets that order, and an order that is paid or under review is closed.
-- p_next_product_key: product for which a top-up is made, offered once it is paid. p_reuse: the same choice at the same price
-- gets the buyer's open order, whichever message or device it was chosen on, unless an attempt to pay it failed or it expires
-- within the hour.
--
-- Concurrency: a reference has one order, and every call with it gets that order. The user's lock makes an erasure run before
--   it or find the order. A discount is bound to one order at a time: its row is locked and the order that had it is withdrawn.
--   With p_reuse an advisory lock serializes the calls of one user, so that two devices get one order.
-- Locks: user (KEY SHARE), with p_reuse an advisory lock of the user's orders, discount, orders by id: the order in which
--   private.lock_payers locks, so that recording a payment at the same time cannot deadlock.
-- Returns: jsonb
--   outcome: 'created' | 'known'
--     | 'reused'           (an earlier call made it and it has a checkout, whose link may have run out since)
--     | 'closed'           (the message's order is paid or under review)
--     | 'not_for_sale'     (switched off, no price in this currency, or not sold from balance)
--   ...?private.order_details                    (created, known, reused)
--   ...?private.closed_checkout               (closed)
-- Errors: M0003 no such user.
create or replace function public.create_order(
  p_user_id bigint,
  p_product_key text,
  p_provider text,
  p_currency text,
  p_bot text,
  p_renews boolean default false,
  p_contact text default null,
  p_reference text default null,
  p_next_product_key text default null,
  p_message_id bigint default null,
  p_reuse boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_outcome text := 'known';
  v_invited public.orders;
  v_quote public.orders;
  v_closed jsonb;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such user' using errcode = 'M0003';
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  if v_order.id is null and p_message_id is not null then
    select o.* into v_invited
      from public.orders as o
     where o.user_id = p_user_id and o.bot = p_bot and p_message_id = any(o.message_ids)
     order by o.id desc
     limit 1;
    v_closed := private.closed_checkout(v_invited);
    if v_closed is not null then
      return v_closed;
    elsif v_invited.checkout_url is not null
      and private.checkout_state(v_invited) is null
      and 'failed' <> all(v_invited.notified)
      and (v_invited.product_key, v_invited.provider, v_invited.currency) = (p_product_key, p_provider, p_currency)
      and v_invited.renews = p_renews
    then
      v_order := v_invited;
      v_outcome := 'reused';
    end if;
  end if;
  if v_order.id is not null then
    return private.order_details(v_order, v_outcome);
  end if;

  v_quote := private.quote_order(p_user_id, p_product_key, p_provider, p_currency, p_renews, p_reuse);
  if v_quote.product_key is null then
    return jsonb_build_object('outcome', 'not_for_sale');
  end if;
  v_quote.bot := p_bot;
  v_quote.contact := p_contact;
  v_quote.next_product_key := case when v_quote.kind = 'balance' then p_next_product_key end;
  if not v_quote.renews and v_quote.kind <> 'balance' then
    -- A concurrent call with this reference may have created the order while this one waited for the discount.
    select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
    if v_order.id is not null then
      return private.order_details(v_order, v_outcome);
    end if;
  end if;
  -- Another choice: the message will invite to pay the new order.
  update public.orders as o set message_ids = array_remove(o.message_ids, p_message_id) where o.id = v_invited.id;
  if p_reuse then
    v_order := private.find_reusable_order(v_quote);
    update public.orders as o
       set message_ids = array_append(array_remove(o.message_ids, p_message_id), p_message_id)
     where o.id = v_order.id and p_message_id is not null;
    if v_order.id is not null then
      return private.order_details(v_order, case when v_order.checkout_url is null then 'known' else 'reused' end);
    end if;
  end if;

  if v_quote.promocode_id is not null then
    perform private.withdraw_orders(p_user_id, v_quote.promocode_id, null);
  end if;
  insert into public.orders as o (
    user_id, product_key, provider, currency, amount, kind, plan, period, quantity, renews, contact, bot,
    reference, expires_at, full_amount, promocode_id, next_product_key, course_terms
  )
  values (
    p_user_id, v_quote.product_key, p_provider, p_currency, v_quote.amount, v_quote.kind, v_quote.plan, v_quote.period,
    v_quote.quantity, v_quote.renews, p_contact, p_bot, p_reference, v_quote.expires_at, v_quote.full_amount,
    v_quote.promocode_id, v_quote.next_product_key, v_quote.course_terms
  )
  on conflict (reference) do nothing
  returning o.* into v_order;
  if v_order.id is not null then
    if p_provider <> 'balance' then
      perform private.enter_sequences(p_user_id, 'checkout_opened');
    end if;
    return private.order_details(v_order, 'created');
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  return private.order_details(v_order, 'known');
end
$$;

revoke all on function public.create_order from public, anon, authenticated, service_role;
grant execute on function public.create_order to bot_backend;
comment on function public.create_order is 'Creates an order of one product';

-- Grants what a payment was made for: plan time, bonus credits, balance or a course. Completes the order, consumes its
-- discount, creates or extends the renewal, cancels the renewals that it replaces, pays the referrer's commission, and sends
-- the buyer a message. A purchase from balance shows the result on its own screen instead; a payment that was refunded before
-- it arrived sends none.
--
-- Concurrency: the caller holds the payment and its order and has checked that nothing was granted; effects are also unique per
--   payment. Buyer and referrer are locked in the order of their ids, so that two payments with the same two users cannot
--   deadlock.
-- Locks: payment and order (held by the caller), buyer and referrer by id (NO KEY UPDATE), then the buyer's subscriptions,
--   other orders with the same discount by id, broadcasts that the buyer received, and renewals.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.fulfil_payment(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_purchase record;
  v_referrer_id bigint;
  v_given numeric;
  v_ends_at timestamptz;
  v_offer jsonb;
  v_is_resumed boolean;
  v_replaced jsonb;
begin
  select b.kind, b.plan, b.period, b.quantity, b.bot, b.product_key, b.order_id, b.next_product_key
    into v_purchase
    from (
      select o.product_key, o.kind, o.plan, o.period, o.quantity, o.bot, o.id as order_id, o.next_product_key
        from public.orders as o
       where o.id = p_payment.order_id
      union all
      select r.product_key, r.kind, r.plan, r.period, null::numeric, r.bot, null::bigint, null::text
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b;
  select r.referrer_id into v_referrer_id
    from public.user_referrals as r
   where r.referred_id = p_payment.user_id and r.status = 'completed';
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- null: erased in between

  select g.given, g.ends_at into v_given, v_ends_at
    from private.grant_purchase(
      p_payment, v_purchase.kind, v_purchase.plan, v_purchase.period, v_purchase.quantity
    ) as g;
  perform private.pay_commission(p_payment, v_referrer_id);

  update public.orders as o
     set status = 'completed', completed_at = v_now
   where o.id = p_payment.order_id and o.status <> 'completed';
  perform private.consume_discount(p_payment.order_id);
  if v_purchase.order_id is not null and p_payment.renewal_id is null and p_payment.status <> 'refunded' then
    perform private.on_purchase(p_payment.user_id, v_purchase.order_id, v_purchase.kind);
  end if;
  v_is_resumed := private.save_renewal(p_payment, v_ends_at);
  v_replaced := private.replace_renewals(p_payment, v_is_resumed);
  if p_payment.status = 'refunded' or p_payment.provider = 'balance' then
    return v_replaced;
  end if;
  v_offer := private.offer_after_top_up(p_payment.user_id, v_purchase.order_id, v_purchase.next_product_key);
  return private.enqueue_user_message(
    p_payment.user_id,
    v_purchase.bot,
    case
      when v_offer is not null then 'paid_balance_continues'
      when v_is_resumed then 'renewed_resumed'
      when p_payment.renewal_id is null then 'paid_' || v_purchase.kind
      else 'renewed'
    end,
    jsonb_build_object('title', private.product_titles(v_purchase.product_key))
    || case v_purchase.kind
         when 'subscription' then jsonb_build_object('until', jsonb_build_object('date', v_ends_at))
         when 'course' then '{}'
         when 'balance' then jsonb_build_object(
           'quantity', jsonb_build_object('amount', v_given, 'currency', private.setting('balance_currency'))
         )
         else jsonb_build_object('quantity', trim_scale(v_given))
       end
    || coalesce(v_offer -> 'values', '{}'),
    v_offer -> 'buttons'
  ) || v_replaced;
end
$$;

revoke all on function private.fulfil_payment from public, anon, authenticated, service_role;
comment on function private.fulfil_payment is 'Grants what a payment was made for';

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'conversations', (
      select coalesce(jsonb_agg(to_jsonb(c) - array['user_id', 'reference', 'summary_claim', 'summary_claimed_at'] order by c.id), '[]'::jsonb)
        from public.ai_conversations as c
       where c.user_id = u.id
    ),
    'conversation_files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_conversation_files as f
       where f.user_id = u.id
    ),
    'shared_pages', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'digest', 'reference'] order by s.id), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = u.id
    ),
    'web_sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'token_hash'] order by s.id), '[]'::jsonb)
        from public.user_sessions as s
       where s.user_id = u.id
    ),
    'logins', (
      select coalesce(
        jsonb_agg(
          to_jsonb(a) - array['public_hash', 'browser_hash', 'code', 'verifier', 'return_to', 'address_hash', 'user_id', 'session_hash']
          order by a.created_at
        ),
        '[]'::jsonb
      )
        from public.login_attempts as a
       where a.user_id = u.id
    ),
    'memory', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = u.id
    ),
    'memory_proposals', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['id', 'user_id'] order by p.id), '[]'::jsonb)
        from public.ai_memory_proposals as p
       where p.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.stored_files as f
       where f.user_id = u.id
    ),
    'photo', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'bot', a.bot, 'photo_id', a.photo_id, 'mime_type', a.mime_type, 'image', encode(a.image, 'base64'),
               'wanted_at', a.wanted_at, 'checked_at', a.checked_at
             )), '[]'::jsonb)
        from public.user_avatars as a
       where a.user_id = u.id
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'review_drafts', (
        select coalesce(
            jsonb_agg(to_jsonb(v) - array['user_id', 'lease_reference', 'lease_until'] order by v.id), '[]'::jsonb
          )
          from public.review_drafts as v
         where v.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'courses', private.courses_section(u.id),
    'messenger', private.messenger_section(u.id),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
    'broadcasts', private.broadcasts_section(u.id),
    'generations', private.generations_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

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
      perform private.enter_sequences(v_user_id, case s.source when 'trial' then 'trial_ended' else 'plan_ended' end)
        from public.subscriptions as s
       where s.user_id = v_user_id and s.ended_at = v_now and s.source in ('trial', 'purchase');
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end
$$;

revoke all on function private.expire_subscriptions from public, anon, authenticated, service_role;
comment on function private.expire_subscriptions is 'Expires subscriptions whose time is over';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "broadcast_approval_size", "about": "Recipients above which a second admin must approve a broadcast, where there is one; 0: no approval", "value": 1000}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "broadcast_marketing_days", "about": "Days between two marketing messages to one user, over all bots; 0: no limit", "value": 7}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "broadcast_purchase_days", "about": "Days after a message of a broadcast within which a payment counts as its result", "value": 7}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "broadcast_quiet_from", "about": "Hour of the user''s time zone from which broadcasts wait; the same as broadcast_quiet_until: no quiet hours", "value": 22}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "broadcast_quiet_until", "about": "Hour of the user''s time zone until which broadcasts wait", "value": 9}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "broadcast_rate", "about": "Messages of broadcasts that a bot sends in a second; Telegram takes about 30 of all kinds", "value": 25}') on conflict do nothing;
