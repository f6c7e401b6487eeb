-- How users appear on boards. A user without a row is shown by a number (private.board_number).

create table public.board_profiles (
  user_id bigint primary key references public.users (id) on delete cascade,
  name text check (length(name) between 1 and 32),
  is_hidden boolean not null default false
);

comment on table public.board_profiles is 'How users appear on boards';
comment on column public.board_profiles.name is 'Name that the user chose to show; null: a number instead';
comment on column public.board_profiles.is_hidden is 'True: not in lists; the user still has a rank, and counts';
alter table public.board_profiles enable row level security;
revoke all on table public.board_profiles from public, anon, authenticated, service_role;
