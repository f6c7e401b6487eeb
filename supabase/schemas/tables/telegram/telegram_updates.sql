-- The inbox: every update from Telegram, from its first delivery until its retention ends.
--
-- working ─▶ finished        its changes are committed, its answer is stored here or in telegram_outbox
--    │  ▲
--    ▼  │ next delivery, or the sweep
-- failed ─▶ set_aside        too many failures of our own: kept with its payload for the owner

create table public.telegram_updates (
  bot text not null,
  update_id bigint not null,
  kind text not null,
  status text not null check (status in ('working', 'failed', 'finished', 'set_aside')),
  chat_id bigint,
  thread_id bigint not null default 0,
  -- Not a foreign key: a hot table whose rows live for days; see private.hold_person.
  user_id bigint,
  payload jsonb,
  delivery uuid,
  attempt integer not null default 1,
  failures integer not null default 0,
  deaths integer not null default 0,
  lease_until timestamptz,
  reservation text check (
    reservation in (
      'reserved', 'own_key', 'settled', 'released', 'refused', 'in_progress', 'user_cost', 'bot_cost'
    )
  ),
  reserved_on date,
  reserved_from text check (reserved_from in ('plan', 'bonus')),
  reserved_cost numeric(14, 8) check (reserved_cost >= 0),
  answer jsonb,
  error text,
  received_at timestamptz not null default private.clock(),
  primary key (bot, update_id)
);

-- Work that nobody does: the sweep looks here.
create index telegram_updates_open_idx on public.telegram_updates (lease_until)
where status in ('working', 'failed');
-- The sweep drops the oldest.
create index telegram_updates_received_at_idx on public.telegram_updates (received_at);

-- All of a person: to be told, and to be erased; and the questions a user has in progress.
create index telegram_updates_user_idx on public.telegram_updates (user_id, status);
-- Bodies that nobody could read belong to nobody: an erasure looks through them.
create index telegram_updates_unusable_idx on public.telegram_updates (received_at) where kind = 'unusable';

comment on table public.telegram_updates is 'The inbox: every update from Telegram, once';
comment on column public.telegram_updates.update_id is 'Telegram''s number; below zero for a body that has none (a digest of it)';
comment on column public.telegram_updates.thread_id is 'The topic of the chat, see bot_sessions';
comment on column public.telegram_updates.payload is 'The update itself, until it is finished; secrets in its text struck out';
comment on column public.telegram_updates.delivery is 'Which delivery has the lease: a repeated call of the same one is not a second worker';
comment on column public.telegram_updates.attempt is 'How often work was begun; a worker whose number is older has lost its lease';
comment on column public.telegram_updates.failures is 'Failures of our own code; at 3 the update is put aside';
comment on column public.telegram_updates.deaths is 'Workers that vanished; at 5 the update is put aside';
comment on column public.telegram_updates.reserved_on is 'The day whose counter the reserved request is in';
comment on column public.telegram_updates.reserved_from is 'What the reserved request was taken from: the plan''s day, or bonus credits';
comment on column public.telegram_updates.reservation is 'What was decided about its question to the AI: see private.reserve_usage; settled or released once that is decided';
comment on column public.telegram_updates.reserved_cost is 'US dollars that its question may cost at most';
comment on column public.telegram_updates.answer is 'The call sent in the HTTP response, given again to a redelivery; without chat_id once its person is erased';
alter table public.telegram_updates enable row level security;
revoke all on table public.telegram_updates from public, anon, authenticated, service_role;
