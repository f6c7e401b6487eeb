-- Quiz polls that were sent to groups. An answer names the poll alone, without its chat.

create table public.quiz_polls (
  bot text not null,
  poll_id text not null,
  round_id bigint not null references public.quiz_rounds (id) on delete cascade,
  n smallint not null check (n between 1 and 20),
  question text not null,
  version text not null,
  correct_option_ids smallint[] not null check (cardinality(correct_option_ids) > 0),
  message_id bigint not null,
  sent_at timestamptz not null default private.clock(),
  primary key (bot, poll_id),
  unique (round_id, n)
);

comment on table public.quiz_polls is 'Quiz polls that were sent to groups';
comment on column public.quiz_polls.version is 'Version of the question that the poll shows';
comment on column public.quiz_polls.correct_option_ids is 'Right options, from 0, in the order of the bank, which the poll keeps';
alter table public.quiz_polls enable row level security;
revoke all on table public.quiz_polls from public, anon, authenticated, service_role;
