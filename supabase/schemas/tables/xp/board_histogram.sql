-- How many ranked users have how many XP, in four levels of detail: n users have xp >> (6 * lvl) = k. A rank sums at most
-- 63 rows of each of the three lower levels, and all above of the highest.

create table public.board_histogram (
  board text not null,
  period text not null,
  starts_on date not null,
  lvl smallint not null check (lvl between 0 and 3),
  k bigint not null,
  n bigint not null,
  primary key (board, period, starts_on, lvl, k)
);

-- The sweep deletes past days and weeks.
create index board_histogram_past_idx on public.board_histogram (starts_on) where period <> 'all';

comment on table public.board_histogram is 'How many ranked users have how many XP; with board_changes exact';
alter table public.board_histogram enable row level security;
revoke all on table public.board_histogram from public, anon, authenticated, service_role;
