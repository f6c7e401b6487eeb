-- Changes of boards that board_histogram does not hold yet (private.fold_board_changes): one ranked user moved from old_xp to
-- new_xp, 0 being none. Awards only add rows, so awards of different users never wait for each other.

create table public.board_changes (
  id bigint generated always as identity primary key,
  board text not null,
  period text not null,
  starts_on date not null,
  old_xp bigint not null,
  new_xp bigint not null
);

create index board_changes_board_idx on public.board_changes (board, period, starts_on);

comment on table public.board_changes is 'Changes of boards that board_histogram does not hold yet';
alter table public.board_changes enable row level security;
revoke all on table public.board_changes from public, anon, authenticated, service_role;
revoke all on sequence public.board_changes_id_seq from public, anon, authenticated, service_role;
