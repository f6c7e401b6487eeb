-- Which days of each provider's own lists have been read, and how far a walk through one has come. A finished day is read
-- again later (public.keep_statement): refunds fail and disputes are decided after the day on which they are listed.

create table public.statement_days (
  provider text not null,
  day date not null,
  cursor text not null default '',
  started_at timestamptz not null default private.clock(),
  read_at timestamptz,
  next_read_at timestamptz,
  busy_until timestamptz,
  failures integer not null default 0,
  primary key (provider, day)
);

comment on table public.statement_days is 'Which days of each provider''s own lists have been read';
comment on column public.statement_days.day is 'UTC, by the provider''s clock';
comment on column public.statement_days.cursor is 'Where the next page begins; empty: at the first one';
comment on column public.statement_days.started_at is 'When the present walk began, or the last one';
comment on column public.statement_days.read_at is 'When the last walk reached the end; null: none has';
comment on column public.statement_days.next_read_at is 'When the day is read again; null: never';
comment on column public.statement_days.busy_until is 'Until when one worker has the walk, or the provider is left alone';
comment on column public.statement_days.failures is 'Failures in a row; 0 once a page was read';
alter table public.statement_days enable row level security;
revoke all on table public.statement_days from public, anon, authenticated, service_role;
