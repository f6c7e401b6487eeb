-- Users in sequences: the last way of each user through each sequence.
--
-- active ─▶ finished
--    └────▶ left   by a purchase, a reply or /unsubscribe, unreachable, not in its segment, or resolved

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
