-- Entries of provider statements: one row per payment, refund or dispute that a provider lists. Reconciled with
-- payment_operations in both directions (public.payment_statement). Rows are kept for 60 days.

create table public.statement_entries (
  provider text not null,
  kind text not null check (kind in ('paid', 'refund', 'dispute')),
  number text not null,
  payment_number text not null,
  day date not null,
  currency text not null,
  amount numeric not null check (amount >= 0),
  fee numeric not null default 0 check (fee >= 0),
  is_undone boolean not null default false,
  is_ours boolean not null,
  seen_at timestamptz not null default private.clock(),
  alarmed_at timestamptz,
  primary key (provider, kind, number)
);

create index statement_entries_day_idx on public.statement_entries (day, provider);

comment on table public.statement_entries is 'Entries of provider statements: payments, refunds and disputes';
comment on column public.statement_entries.number is 'The provider''s id of the payment, refund or dispute';
comment on column public.statement_entries.payment_number is 'The provider''s id of the payment that it belongs to';
comment on column public.statement_entries.day is 'Day (UTC) on which the provider lists it';
comment on column public.statement_entries.fee is 'Part of the amount that went to an affiliate (Stars)';
comment on column public.statement_entries.is_undone is 'True: a failed refund or a won dispute, which moves no money';
comment on column public.statement_entries.is_ours is 'False: it belongs to no payment, order or subscription of this database';
comment on column public.statement_entries.alarmed_at is 'When the admins were alerted that it differs from our records';
alter table public.statement_entries enable row level security;
revoke all on table public.statement_entries from public, anon, authenticated, service_role;
