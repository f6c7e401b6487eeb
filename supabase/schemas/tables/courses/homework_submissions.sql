-- Homework that learners submitted. A learner has at most one submission of a lesson under review.
--
-- submitted ─▶ accepted
--     └──────▶ returned   with a comment; the learner may submit again

create table public.homework_submissions (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  lesson_id bigint not null references public.lessons (id),
  n integer not null check (n > 0),
  text text not null check (length(text) <= 20000),
  file_id bigint references public.stored_files (id) on delete set null,
  state text not null default 'submitted' check (state in ('submitted', 'returned', 'accepted')),
  comment text check (length(comment) <= 10000),
  reviewer_email text,
  reviewed_at timestamptz,
  reference text not null check (reference <> ''),
  created_at timestamptz not null default private.clock(),
  unique (user_id, reference),
  unique (user_id, lesson_id, n),
  check ((state = 'submitted') = (reviewed_at is null))
);

create unique index homework_submissions_open_idx on public.homework_submissions (user_id, lesson_id) where state = 'submitted';
create index homework_submissions_waiting_idx on public.homework_submissions (id) where state = 'submitted';
create index homework_submissions_lesson_idx on public.homework_submissions (lesson_id);
create index homework_submissions_file_idx on public.homework_submissions (file_id);

comment on table public.homework_submissions is 'Homework that learners submitted';
comment on column public.homework_submissions.n is 'Number of the learner''s submission of this lesson, from 1';
comment on column public.homework_submissions.file_id is 'File that belongs to it';
comment on column public.homework_submissions.comment is 'What the reviewer wrote; Markdown';
comment on column public.homework_submissions.reviewer_email is 'Admin who reviewed it';
comment on column public.homework_submissions.reference is 'Idempotency key: the form that was sent';
alter table public.homework_submissions enable row level security;
revoke all on table public.homework_submissions from public, anon, authenticated, service_role;
revoke all on sequence public.homework_submissions_id_seq from public, anon, authenticated, service_role;
