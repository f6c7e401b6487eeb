-- Read position in each bot's list of Star transactions (getStarTransactions), which is append-only and sorted oldest first.

create table public.star_positions (
  bot text primary key,
  position integer not null default 0 check (position >= 0),
  since timestamptz not null default private.clock() - interval '7 days',
  read_at timestamptz
);

comment on table public.star_positions is 'Read position in each bot''s list of Star transactions';
comment on column public.star_positions.position is 'Number of transactions read, the offset of the next call';
comment on column public.star_positions.since is 'Older transactions were not made through this database and are skipped';
alter table public.star_positions enable row level security;
revoke all on table public.star_positions from public, anon, authenticated, service_role;
