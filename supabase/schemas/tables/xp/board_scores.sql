-- XP of users on each board: all bots or one, and all time, a day or a week. Also points of a day's challenge of the quiz.

create table public.board_scores (
  user_id bigint not null references public.users (id) on delete cascade,
  board text not null,
  period text not null check (period in ('all', 'day', 'week', 'challenge')),
  starts_on date not null,
  xp bigint not null check (xp >= 0),
  reached_at timestamptz not null,
  is_ranked boolean not null,
  is_listed boolean not null check (is_ranked or not is_listed),
  primary key (user_id, board, period, starts_on)
);

-- Lists in the order of places. Negative, so that all columns ascend and a row comparison finds neighbours.
create index board_scores_places_idx on public.board_scores (board, period, starts_on, (-xp), reached_at, user_id)
where is_listed and xp > 0;
-- The sweep deletes past days and weeks.
create index board_scores_past_idx on public.board_scores (starts_on) where period <> 'all';

comment on table public.board_scores is 'XP of users on each board';
comment on column public.board_scores.board is 'A bot; empty: all bots together';
comment on column public.board_scores.period is 'Of XP: all, day or week; challenge: the points of a day''s challenge (private.place_on_quiz_board)';
comment on column public.board_scores.starts_on is 'The day, or the Monday of the week, in the time zone of the setting quota_timezone; all time: 1970-01-01';
comment on column public.board_scores.reached_at is 'Time of the last change: of equal XP the first to reach them comes first';
comment on column public.board_scores.is_ranked is 'Whether the user has a place: neither banned nor an admin';
comment on column public.board_scores.is_listed is 'Whether others see the user: ranked and not hidden';
alter table public.board_scores enable row level security;
revoke all on table public.board_scores from public, anon, authenticated, service_role;
