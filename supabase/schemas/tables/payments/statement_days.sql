-- Progress of reading provider statements (a provider's own lists of payments, refunds and disputes), one row per day. A
-- finished day is read again later (public.save_statement_page), because refunds fail and disputes are decided after the day that
-- lists them.

create table public.statement_days (
  provider text not null,
  day date not null,
  cursor text not null default '',
  started_at timestamptz not null default private.clock(),
  read_at timestamptz,
  next_read_at timestamptz,
  lease_until timestamptz,
  failures integer not null default 0,
  primary key (provider, day)
);

comment on table public.statement_days is 'Progress of reading provider statements, one row per day';
comment on column public.statement_days.day is 'Day in UTC, by the provider''s clock';
comment on column public.statement_days.cursor is 'Cursor of the next page; empty: the first page';
comment on column public.statement_days.started_at is 'When the current or last pass began';
comment on column public.statement_days.read_at is 'When the last complete pass ended; null: none is complete';
comment on column public.statement_days.next_read_at is 'When the day is read again; null: never';
comment on column public.statement_days.lease_until is 'Lease of the worker that reads the day, or pause after a failure';
comment on column public.statement_days.failures is 'Consecutive failures; 0 after a page was read';
alter table public.statement_days enable row level security;
revoke all on table public.statement_days from public, anon, authenticated, service_role;
