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
  loaded_version integer,
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
comment on column public.lessons.loaded_version is 'Version that was loaded from the lesson''s files; null: written in the console. A version that differs was edited there';
alter table public.lessons enable row level security;
revoke all on table public.lessons from public, anon, authenticated, service_role;
revoke all on sequence public.lessons_id_seq from public, anon, authenticated, service_role;
