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
  loaded_version integer,
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
comment on column public.courses.loaded_version is 'Version that was loaded from the course''s files; null: written in the console. A version that differs was edited there';
alter table public.courses enable row level security;
revoke all on table public.courses from public, anon, authenticated, service_role;
revoke all on sequence public.courses_id_seq from public, anon, authenticated, service_role;
