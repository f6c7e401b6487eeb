-- Jobs that generate a picture or a video at an AI provider.
--
-- reserved ─▶ submitting ─▶ submitted ─▶ copied ─▶ succeeded ─▶ delivered
--                 └──────────────────────▶ (a provider that answers at once)
--
-- reserved    paid for with requests of the plan, bonus credits or balance; not sent to the provider yet
-- submitting  committed before the paid request is sent, which is never repeated unless it provably did not arrive
-- submitted   the provider works on it and has named it
-- copied      the provider has finished, and its files are in our storage
-- succeeded   charged for what the provider charged us, within the price that the user was shown
-- delivered   Telegram has accepted the files
--
-- Instead of copied a job ends as failed, refused (by the provider's content rules), expired (its deadline passed) or
-- canceled. Everything that was taken is then released, once. A result that comes after that is delivered and not charged.

create table public.generations (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  chat_id bigint not null,
  thread_id bigint not null default 0,
  reply_to bigint,
  status_message_id bigint,
  kind text not null check (kind in ('image', 'video')),
  slot integer,
  provider text not null check (provider <> ''),
  model text not null check (model <> ''),
  request jsonb not null default '{}' check (jsonb_typeof(request) = 'object'),
  reference text not null unique,
  token uuid not null unique default gen_random_uuid(),
  state text not null default 'reserved' check (
    state in (
      'reserved', 'submitting', 'submitted', 'copied', 'succeeded', 'delivered', 'failed', 'refused', 'expired', 'canceled'
    )
  ),
  cause text check ((cause is not null) = (state in ('failed', 'refused'))),
  error text,
  provider_job_id text,
  day date not null,
  max_cost numeric(14, 8) check (max_cost >= 0),
  cost numeric(14, 8) check (cost >= 0),
  usage jsonb,
  is_sold boolean not null,
  is_late boolean not null default false,
  is_muted boolean not null default false,
  attempt integer not null default 0,
  submissions integer not null default 0,
  polls integer not null default 0,
  delivery_failures integer not null default 0,
  is_nudged boolean not null default false,
  due_at timestamptz,
  lease_until timestamptz,
  deadline timestamptz not null,
  files jsonb not null default '[]' check (jsonb_typeof(files) = 'array'),
  telegram_files jsonb not null default '[]' check (jsonb_typeof(telegram_files) = 'array'),
  created_at timestamptz not null default private.clock(),
  submitted_at timestamptz,
  status_edited_at timestamptz,
  ended_at timestamptz,
  delete_at timestamptz,
  unique (provider, provider_job_id)
);

create unique index generations_open_idx on public.generations (user_id, kind, slot)
where state in ('reserved', 'submitting', 'submitted', 'copied');
create index generations_user_idx on public.generations (user_id, id);
create index generations_due_idx on public.generations (due_at) where due_at is not null;
create index generations_deadline_idx on public.generations (deadline)
where state in ('reserved', 'submitting', 'submitted');
create index generations_delete_idx on public.generations (delete_at) where delete_at is not null;
-- Reserved cost of a bot's jobs.
create index generations_cost_idx on public.generations (bot)
where state in ('reserved', 'submitting', 'submitted', 'copied');

comment on table public.generations is 'Jobs that generate a picture or a video';
comment on column public.generations.reply_to is 'Message that asked for it';
comment on column public.generations.status_message_id is 'Message that says it is in progress; deleted at the end';
comment on column public.generations.status_edited_at is 'When that message last showed how long it takes';
comment on column public.generations.slot is 'Which of the jobs that a user may have in progress (setting generations_in_progress); negative: the user has stopped waiting for it; null: a late result';
comment on column public.generations.request is 'prompt, references and options, as the provider gets them';
comment on column public.generations.reference is 'Idempotency key of the reservation: the update that asked for it';
comment on column public.generations.token is 'Unguessable part of the callback URL';
comment on column public.generations.cause is 'Why it failed or was refused';
comment on column public.generations.error is 'Last error, as the provider or Telegram words it';
comment on column public.generations.day is 'Day of the quota that it counts for';
comment on column public.generations.max_cost is 'US dollars that stand behind the price; null: the price does not depend on the cost';
comment on column public.generations.cost is 'US dollars that the provider charged; null: not reported';
comment on column public.generations.usage is 'The call to the provider, as private.record_usage takes it, until it is recorded';
comment on column public.generations.is_sold is 'Paid for from the balance: the daily cost limits leave it out';
comment on column public.generations.is_late is 'The result came after everything was released';
comment on column public.generations.is_muted is 'The user has stopped waiting: messages about it come without sound';
comment on column public.generations.attempt is 'Number of the latest lease: a worker with another number changes nothing';
comment on column public.generations.is_nudged is 'A callback came while a worker held the lease: look again at once';
comment on column public.generations.due_at is 'When a worker continues; null: it waits for a callback or its deadline, or is over';
comment on column public.generations.files is '[{key, mime, width, height, duration}]; key null: not in our storage';
comment on column public.generations.telegram_files is '[{kind, file_id}] for sending it again';
comment on column public.generations.delete_at is 'When the row is deleted';
alter table public.generations enable row level security;
revoke all on table public.generations from public, anon, authenticated, service_role;
revoke all on sequence public.generations_id_seq from public, anon, authenticated, service_role;
