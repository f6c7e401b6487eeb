-- Courses.

-- Courses: lessons in an order, sold by tier (public.course_offers).

create table public.courses (
  id bigint generated always as identity primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
  position integer not null default 0,
  is_published boolean not null default false,
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  author_id bigint references public.users (id) on delete set null,
  shows_learner_count boolean not null default false,
  plan_tier text default 'vip' check (plan_tier in ('basic', 'accelerator', 'vip')),
  next_step jsonb not null default '{}' check (jsonb_typeof(next_step) = 'object'),
  next_product_key text references public.products (key) on update cascade on delete set null,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  check (jsonb_path_exists(texts, 'strict $.* ? (@.title like_regex "[^[:space:]]")', '{}', true))
);

create index courses_author_idx on public.courses (author_id);
create index courses_next_product_idx on public.courses (next_product_key);

comment on table public.courses is 'Courses';
comment on column public.courses.slug is 'Name of the course in addresses and folders';
comment on column public.courses.texts is 'By language: {"ru": {"title": "…", "summary": "…", "description": "…"}}; the description is Markdown';
comment on column public.courses.author_id is 'The author, if they are a user';
comment on column public.courses.shows_learner_count is 'Whether visitors see how many learners it has';
comment on column public.courses.plan_tier is 'Highest tier open to users with a paid plan (users.is_paid); null: a plan opens nothing';
comment on column public.courses.next_step is 'By language: {"ru": "…"}, Markdown that is shown once the course is completed';
comment on column public.courses.next_product_key is 'Product that is offered once the course is completed';
comment on column public.courses.version is 'Grows with every change of the course: an editor saves the version it has read';
alter table public.courses enable row level security;
revoke all on table public.courses from public, anon, authenticated, service_role;
revoke all on sequence public.courses_id_seq from public, anon, authenticated, service_role;

-- Cohorts: learners who begin a course on the same day. Lessons are released by days count from that day.

create table public.cohorts (
  id bigint generated always as identity primary key,
  course_id bigint not null references public.courses (id),
  key text not null check (key ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
  starts_at timestamptz not null,
  enrolls_until timestamptz,
  created_at timestamptz not null default private.clock(),
  unique (course_id, key)
);

comment on table public.cohorts is 'Learners who begin a course on the same day';
comment on column public.cohorts.starts_at is 'When its learners get the first lessons';
comment on column public.cohorts.enrolls_until is 'Last moment at which a place is sold; null: always';
alter table public.cohorts enable row level security;
revoke all on table public.cohorts from public, anon, authenticated, service_role;
revoke all on sequence public.cohorts_id_seq from public, anon, authenticated, service_role;

-- Lessons of courses. A lesson that learners may have begun is unpublished, never deleted.

create table public.lessons (
  id bigint generated always as identity primary key,
  course_id bigint not null references public.courses (id),
  slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
  position integer not null default 0,
  is_published boolean not null default true,
  tier text not null default 'basic' check (tier in ('basic', 'accelerator', 'vip')),
  is_preview boolean not null default false,
  is_required boolean not null default true,
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  duration_seconds integer check (duration_seconds between 1 and 86400),
  video jsonb check (
    video ->> 'adapter' in ('storage', 'youtube', 'kinescope') and (video ->> 'reference') <> ''
  ),
  files jsonb not null default '[]' check (jsonb_typeof(files) = 'array'),
  quiz jsonb check (jsonb_typeof(quiz -> 'questions') = 'array' and jsonb_array_length(quiz -> 'questions') > 0),
  homework jsonb check (jsonb_typeof(homework) = 'object'),
  homework_tier text not null default 'basic' check (homework_tier in ('basic', 'accelerator', 'vip')),
  completion text not null default 'button' check (completion in ('watched', 'quiz', 'button', 'opened')),
  watch_percent integer not null default 80 check (watch_percent between 1 and 100),
  release text not null default 'at_once' check (release in ('at_once', 'days', 'date')),
  release_days integer check (release_days between 0 and 3650),
  release_at timestamptz,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  unique (course_id, slug),
  check (jsonb_path_exists(texts, 'strict $.* ? (@.title like_regex "[^[:space:]]")', '{}', true)),
  check (completion <> 'watched' or (video is not null and duration_seconds is not null)),
  check (completion <> 'quiz' or quiz is not null),
  check ((release = 'days') = (release_days is not null)),
  check ((release = 'date') = (release_at is not null))
);

comment on table public.lessons is 'Lessons of courses';
comment on column public.lessons.slug is 'Name of the lesson in addresses and folders, unique in its course';
comment on column public.lessons.tier is 'Lowest tier that opens the lesson: basic, accelerator, vip';
comment on column public.lessons.is_preview is 'Whether everyone may read it without access to the course';
comment on column public.lessons.is_required is 'Whether the course is completed only with it';
comment on column public.lessons.texts is 'By language: {"ru": {"title": "…", "body": "…"}}; the body is Markdown';
comment on column public.lessons.video is '{"adapter": "storage" | "youtube" | "kinescope", "reference": "…"}: key in the bucket, or id of the video at its host';
comment on column public.lessons.files is '[{"name": "…", "reference": "…", "size": bytes}]: files to download, reference is their key in the bucket';
comment on column public.lessons.quiz is '{"pass_percent": 80, "attempts": 3, "questions": [{"texts": {"ru": {"question": "…", "options": ["…"], "explanation": "…"}}, "correct": [0]}]}; without attempts there is no limit';
comment on column public.lessons.homework is 'By language: {"ru": "…"}, Markdown; null: no homework';
comment on column public.lessons.homework_tier is 'Lowest tier whose homework is reviewed';
comment on column public.lessons.completion is 'What completes it: watch_percent of the video watched, its quiz passed, a button, or opening it';
comment on column public.lessons.release is 'When it opens: at once, days after the cohort''s or the learner''s beginning, or at a date';
comment on column public.lessons.release_days is 'Opens at midnight of the learner''s time zone, so many days after the day of the beginning';
comment on column public.lessons.version is 'Grows with every change of the lesson: an editor saves the version it has read';
alter table public.lessons enable row level security;
revoke all on table public.lessons from public, anon, authenticated, service_role;
revoke all on sequence public.lessons_id_seq from public, anon, authenticated, service_role;

-- Which tiers of which courses learners have. Derived from enrollment_grants by private.refresh_enrollment, which alone writes
-- here: a tier that was bought twice, or given by hand and bought, stays as long as one of its grants does.

create table public.enrollments (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  course_id bigint not null references public.courses (id),
  tier text not null check (tier in ('basic', 'accelerator', 'vip')),
  source text not null check (source in ('purchase', 'manual', 'upgrade')),
  amount_paid numeric(12, 2) not null default 0 check (amount_paid >= 0),
  currency text,
  payment_id bigint references public.payments (id),
  order_id bigint references public.orders (id),
  cohort_id bigint references public.cohorts (id),
  enrolled_at timestamptz not null default private.clock(),
  expires_at timestamptz,
  reminded_at timestamptz,
  withdrawn_at timestamptz,
  unique (user_id, course_id, tier)
);

create index enrollments_course_idx on public.enrollments (course_id, id);
create index enrollments_payment_idx on public.enrollments (payment_id);
create index enrollments_order_idx on public.enrollments (order_id);
create index enrollments_cohort_idx on public.enrollments (cohort_id);
-- Reminders before access ends.
create index enrollments_expiry_idx on public.enrollments (expires_at) where expires_at is not null and withdrawn_at is null;

comment on table public.enrollments is 'Which tiers of which courses learners have';
comment on column public.enrollments.source is 'Of the newest grant: purchase, upgrade (the price difference to a tier they had), or manual (an admin)';
comment on column public.enrollments.amount_paid is 'Paid by the newest grant, in currency';
comment on column public.enrollments.payment_id is 'Payment of the newest grant; null: given by hand';
comment on column public.enrollments.enrolled_at is 'When the first of its grants that still count was given';
comment on column public.enrollments.expires_at is 'End of access; null: for life';
comment on column public.enrollments.reminded_at is 'When the learner was reminded of the end of access';
comment on column public.enrollments.withdrawn_at is 'Since when no grant is left: refunded, or withdrawn by an admin; null: it counts';
alter table public.enrollments enable row level security;
revoke all on table public.enrollments from public, anon, authenticated, service_role;
revoke all on sequence public.enrollments_id_seq from public, anon, authenticated, service_role;

-- Certificates of completed courses.

create table public.course_certificates (
  code text primary key default private.random_code(),
  user_id bigint not null references public.users (id) on delete cascade,
  course_id bigint not null references public.courses (id),
  name text not null check (length(name) between 1 and 100),
  issued_at timestamptz not null default private.clock(),
  withdrawn_at timestamptz,
  unique (user_id, course_id)
);

create index course_certificates_course_idx on public.course_certificates (course_id);

comment on table public.course_certificates is 'Certificates of completed courses';
comment on column public.course_certificates.code is 'Unguessable; with it everyone can check the certificate';
comment on column public.course_certificates.name is 'As the learner typed it';
comment on column public.course_certificates.withdrawn_at is 'Since when it is invalid: the course was refunded or withdrawn; null: valid';
alter table public.course_certificates enable row level security;
revoke all on table public.course_certificates from public, anon, authenticated, service_role;

-- What a product of the kind course gives: a tier of a course, for life or for some days.

create table public.course_offers (
  product_key text primary key references public.products (key) on update cascade on delete cascade,
  course_id bigint not null references public.courses (id),
  tier text not null check (tier in ('basic', 'accelerator', 'vip')),
  cohort_id bigint references public.cohorts (id),
  access_days integer check (access_days > 0)
);

create index course_offers_course_idx on public.course_offers (course_id);
create index course_offers_cohort_idx on public.course_offers (cohort_id);

comment on table public.course_offers is 'Which tier of which course a product gives';
comment on column public.course_offers.cohort_id is 'Cohort that a buyer joins; null: each learner begins on the day of the purchase';
comment on column public.course_offers.access_days is 'Days of access; null: for life';
alter table public.course_offers enable row level security;
revoke all on table public.course_offers from public, anon, authenticated, service_role;

-- Learners in a course: where they stopped, whether they completed it, and reminders.

create table public.course_progress (
  user_id bigint not null references public.users (id) on delete cascade,
  course_id bigint not null references public.courses (id),
  started_at timestamptz not null default private.clock(),
  last_lesson_id bigint references public.lessons (id),
  last_active_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  wants_reminders boolean not null default true,
  reminders integer not null default 0 check (reminders >= 0),
  primary key (user_id, course_id)
);

create index course_progress_course_idx on public.course_progress (course_id);
create index course_progress_lesson_idx on public.course_progress (last_lesson_id);
-- Learners to remind.
create index course_progress_idle_idx on public.course_progress (last_active_at)
where completed_at is null and wants_reminders and reminders < 2;

comment on table public.course_progress is 'Learners in a course';
comment on column public.course_progress.started_at is 'When the learner first opened it; without an enrollment, lessons are released by days count from it';
comment on column public.course_progress.last_lesson_id is 'The lesson that was open last: where to continue';
comment on column public.course_progress.completed_at is 'When all required lessons were first completed; lessons added later leave it';
comment on column public.course_progress.wants_reminders is 'Whether an idle learner is reminded';
comment on column public.course_progress.reminders is 'Reminders since last_active_at';
alter table public.course_progress enable row level security;
revoke all on table public.course_progress from public, anon, authenticated, service_role;

-- What gave learners a tier of a course: payments and admins. A refund withdraws the grant of its payment, and with it the
-- upgrades that were cheaper because of it.

create table public.enrollment_grants (
  id bigint generated always as identity primary key,
  enrollment_id bigint not null references public.enrollments (id) on delete cascade,
  source text not null check (source in ('purchase', 'manual', 'upgrade')),
  payment_id bigint unique references public.payments (id),
  order_id bigint references public.orders (id),
  amount numeric(12, 2) not null default 0 check (amount >= 0),
  currency text,
  cohort_id bigint references public.cohorts (id),
  access_days integer check (access_days > 0),
  credited bigint[] not null default '{}',
  granted_at timestamptz not null default private.clock(),
  withdrawn_at timestamptz,
  check ((source = 'manual') = (payment_id is null))
);

create index enrollment_grants_enrollment_idx on public.enrollment_grants (enrollment_id);
create index enrollment_grants_order_idx on public.enrollment_grants (order_id);
create index enrollment_grants_cohort_idx on public.enrollment_grants (cohort_id);

comment on table public.enrollment_grants is 'What gave learners a tier of a course';
comment on column public.enrollment_grants.amount is 'Paid for it, in currency: what an upgrade in this currency costs less';
comment on column public.enrollment_grants.access_days is 'Days of access that it adds; null: for life';
comment on column public.enrollment_grants.credited is 'Grants whose amounts lowered the price of this upgrade: it counts as long as all of them do';
comment on column public.enrollment_grants.withdrawn_at is 'Since when it does not count: its payment was refunded or disputed, or an admin withdrew it';
alter table public.enrollment_grants enable row level security;
revoke all on table public.enrollment_grants from public, anon, authenticated, service_role;
revoke all on sequence public.enrollment_grants_id_seq from public, anon, authenticated, service_role;

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

-- Learners in a lesson: what they watched, for how long, and whether they completed it.

create table public.lesson_progress (
  user_id bigint not null references public.users (id) on delete cascade,
  lesson_id bigint not null references public.lessons (id),
  completed boolean not null default false,
  completed_at timestamptz,
  time_spent_seconds integer not null default 0 check (time_spent_seconds >= 0),
  position_seconds integer not null default 0 check (position_seconds >= 0),
  watched int4multirange not null default '{}',
  watched_seconds integer not null default 0 check (watched_seconds >= 0),
  last_beat_at timestamptz,
  playback_id text,
  opened_at timestamptz not null default private.clock(),
  primary key (user_id, lesson_id),
  check (completed = (completed_at is not null))
);

create index lesson_progress_lesson_idx on public.lesson_progress (lesson_id, completed);

comment on table public.lesson_progress is 'Learners in a lesson';
comment on column public.lesson_progress.completed_at is 'When its rule was first met; later changes of the lesson leave it';
comment on column public.lesson_progress.time_spent_seconds is 'Wall-clock time with the video playing';
comment on column public.lesson_progress.position_seconds is 'Where the video stopped';
comment on column public.lesson_progress.watched is 'Seconds of the video that were played, each counted once';
comment on column public.lesson_progress.watched_seconds is 'Length of watched';
comment on column public.lesson_progress.last_beat_at is 'Time of the last report of the player';
comment on column public.lesson_progress.playback_id is 'Player of the last report: a page that was opened';
alter table public.lesson_progress enable row level security;
revoke all on table public.lesson_progress from public, anon, authenticated, service_role;

-- Answers of learners to the quizzes of lessons.

create table public.lesson_quiz_attempts (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  lesson_id bigint not null references public.lessons (id),
  lesson_version integer not null,
  answers jsonb not null,
  right_answers integer not null check (right_answers >= 0),
  questions integer not null check (questions >= right_answers),
  is_passed boolean not null,
  reference text not null check (reference <> ''),
  created_at timestamptz not null default private.clock(),
  unique (user_id, reference)
);

create index lesson_quiz_attempts_lesson_idx on public.lesson_quiz_attempts (lesson_id);
create index lesson_quiz_attempts_user_idx on public.lesson_quiz_attempts (user_id, lesson_id, id);

comment on table public.lesson_quiz_attempts is 'Answers of learners to the quizzes of lessons';
comment on column public.lesson_quiz_attempts.lesson_version is 'Version of the lesson whose questions were answered';
comment on column public.lesson_quiz_attempts.answers is 'Chosen options by question, from 0: [[0], [1, 2]]';
comment on column public.lesson_quiz_attempts.reference is 'Idempotency key: the form that was sent';
alter table public.lesson_quiz_attempts enable row level security;
revoke all on table public.lesson_quiz_attempts from public, anon, authenticated, service_role;
revoke all on sequence public.lesson_quiz_attempts_id_seq from public, anon, authenticated, service_role;

-- Collects what is stored about a user's courses: access, progress, answers, homework and certificates.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.courses_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'written', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'author_id' order by c.id), '[]'::jsonb)
        from public.courses as c
       where c.author_id = p_user_id
    ),
    'enrollments', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.id), '[]'::jsonb)
        from public.enrollments as e
       where e.user_id = p_user_id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) order by g.id), '[]'::jsonb)
        from public.enrollments as e
        join public.enrollment_grants as g on g.enrollment_id = e.id
       where e.user_id = p_user_id
    ),
    'courses', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.course_id), '[]'::jsonb)
        from public.course_progress as p
       where p.user_id = p_user_id
    ),
    'lessons', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.lesson_id), '[]'::jsonb)
        from public.lesson_progress as p
       where p.user_id = p_user_id
    ),
    'quiz_attempts', (
      select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
        from public.lesson_quiz_attempts as a
       where a.user_id = p_user_id
    ),
    'homework', (
      select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id', 'reviewer_email'] order by h.id), '[]'::jsonb)
        from public.homework_submissions as h
       where h.user_id = p_user_id
    ),
    'certificates', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'user_id' order by c.course_id), '[]'::jsonb)
        from public.course_certificates as c
       where c.user_id = p_user_id
    )
  );
$$;

revoke all on function private.courses_section from public, anon, authenticated, service_role;
comment on function private.courses_section is 'Collects what is stored about a user''s courses';

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'conversations', (
      select coalesce(jsonb_agg(to_jsonb(c) - array['user_id', 'reference', 'summary_claim', 'summary_claimed_at'] order by c.id), '[]'::jsonb)
        from public.ai_conversations as c
       where c.user_id = u.id
    ),
    'conversation_files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_conversation_files as f
       where f.user_id = u.id
    ),
    'shared_pages', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'digest', 'reference'] order by s.id), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = u.id
    ),
    'memory', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = u.id
    ),
    'memory_proposals', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['id', 'user_id'] order by p.id), '[]'::jsonb)
        from public.ai_memory_proposals as p
       where p.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.stored_files as f
       where f.user_id = u.id
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'review_drafts', (
        select coalesce(
            jsonb_agg(to_jsonb(v) - array['user_id', 'lease_reference', 'lease_until'] order by v.id), '[]'::jsonb
          )
          from public.review_drafts as v
         where v.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'courses', private.courses_section(u.id),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
    'generations', private.generations_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';
