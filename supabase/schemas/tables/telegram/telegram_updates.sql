-- The inbox: every update from Telegram, from its first delivery until its retention ends.
--
-- working ─▶ finished        its changes are committed; the answer is stored here or in telegram_outbox
--    │  ▲
--    ▼  │ next delivery, or the sweep
-- failed ─▶ dead_lettered        dead-lettered after too many failures of our own: kept with payload and error

create table public.telegram_updates (
  bot text not null,
  update_id bigint not null,
  kind text not null,
  status text not null,
  chat_id bigint,
  thread_id bigint not null default 0,
  -- Not a foreign key: this table is hot and its rows live for days. private.lock_user handles erased users.
  user_id bigint,
  payload jsonb,
  delivery uuid,
  attempt integer not null default 1,
  failures integer not null default 0,
  crash_count integer not null default 0,
  lease_until timestamptz,
  reservation text,
  reserved_on date,
  reserved_from text,
  reserved_cost numeric(14, 8),
  answer jsonb,
  error text,
  received_at timestamptz not null default private.clock(),
  is_stopped boolean not null default false,
  primary key (bot, update_id),
  -- A function, because every statement that writes a row parses each constraint of the table anew.
  constraint telegram_updates_check check (
    private.is_valid_update(status, reservation, reserved_from, reserved_cost)
  )
);

-- Unfinished updates whose lease has expired: the sweep finds them here.
create index telegram_updates_open_idx on public.telegram_updates (lease_until)
where status in ('working', 'failed');
-- The sweep deletes expired updates.
create index telegram_updates_received_at_idx on public.telegram_updates (received_at);

-- A user's updates, for the data export and the erasure, and the AI requests in progress.
create index telegram_updates_user_idx on public.telegram_updates (user_id, status);
-- Unparsable bodies have no user_id: an erasure searches them.
create index telegram_updates_invalid_idx on public.telegram_updates (received_at) where kind = 'invalid';

comment on table public.telegram_updates is 'Inbox of updates from Telegram, each once';
comment on column public.telegram_updates.update_id is 'Telegram''s update_id; negative: a digest of a body that has none';
comment on column public.telegram_updates.thread_id is 'Topic of the chat, see bot_sessions.thread_id';
comment on column public.telegram_updates.payload is 'The update until it is finished; secrets in its text are redacted';
comment on column public.telegram_updates.delivery is 'Delivery that holds the lease: a repeated call of the same delivery is not a second worker';
comment on column public.telegram_updates.attempt is 'Number of attempts so far; a worker with a lower number has lost its lease';
comment on column public.telegram_updates.failures is 'Failures of our own code; after 3 the update is dead-lettered';
comment on column public.telegram_updates.crash_count is 'Workers that crashed; after 5 the update is dead-lettered';
comment on column public.telegram_updates.reserved_on is 'Day whose counter includes the reserved request';
comment on column public.telegram_updates.reserved_from is 'Source of the reserved request: the plan''s daily limit or bonus credits';
comment on column public.telegram_updates.reservation is 'State of the reservation of its AI request (private.reserve_usage); ends as settled or released';
comment on column public.telegram_updates.reserved_cost is 'Upper bound of the cost of its AI request, in US dollars';
comment on column public.telegram_updates.answer is 'Call sent in the HTTP response, repeated on a redelivery; without chat_id once the user is erased';
comment on column public.telegram_updates.is_stopped is 'The user stopped its answer while it was written; what was written becomes the answer';
alter table public.telegram_updates enable row level security;
revoke all on table public.telegram_updates from public, anon, authenticated, service_role;
