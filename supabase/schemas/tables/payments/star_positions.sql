-- How far each bot's list of Star transactions has been read. The list only grows, the oldest come first.

create table public.star_positions (
  bot text primary key,
  position integer not null default 0 check (position >= 0),
  since timestamptz not null default private.clock() - interval '7 days',
  read_at timestamptz
);

comment on table public.star_positions is 'How far each bot''s list of Star transactions has been read';
comment on column public.star_positions.position is 'How many transactions were read';
comment on column public.star_positions.since is 'What happened before was not sold here: it is passed over';
alter table public.star_positions enable row level security;
revoke all on table public.star_positions from public, anon, authenticated, service_role;
