-- When a user should see a question again: its state in FSRS, which the functions compute (package fsrs).

create table public.quiz_cards (
  user_id bigint not null references public.users (id) on delete cascade,
  question text not null,
  state smallint not null check (state between 1 and 3),
  stability numeric not null check (stability > 0),
  difficulty numeric not null check (difficulty between 1 and 10),
  due timestamptz not null,
  last_review timestamptz not null,
  reviews integer not null default 1 check (reviews > 0),
  lapses integer not null default 0 check (lapses >= 0),
  primary key (user_id, question)
);

create index quiz_cards_due_idx on public.quiz_cards (user_id, due);

comment on table public.quiz_cards is 'When users should see questions again (FSRS)';
comment on column public.quiz_cards.lapses is 'How many answers were wrong';
alter table public.quiz_cards enable row level security;
revoke all on table public.quiz_cards from public, anon, authenticated, service_role;
