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
