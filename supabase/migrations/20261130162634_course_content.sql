-- Course content.

alter table public.courses add column loaded_version integer;

alter table public.lessons add column loaded_version integer;

-- Questions that learners asked under a lesson.

create table public.lesson_questions (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  lesson_id bigint not null references public.lessons (id),
  text text not null check (length(text) between 1 and 4000),
  reference text not null check (reference <> ''),
  created_at timestamptz not null default private.clock(),
  unique (user_id, reference)
);

create index lesson_questions_user_idx on public.lesson_questions (user_id, created_at);
create index lesson_questions_lesson_idx on public.lesson_questions (lesson_id, id);

comment on table public.lesson_questions is 'Questions that learners asked under a lesson';
comment on column public.lesson_questions.reference is 'Idempotency key: the form that was sent';
alter table public.lesson_questions enable row level security;
revoke all on table public.lesson_questions from public, anon, authenticated, service_role;
revoke all on sequence public.lesson_questions_id_seq from public, anon, authenticated, service_role;

-- Stores a learner's question about a lesson. A learner asks at most 20 in 24 hours.
--
-- Concurrency: the progress in the lesson is locked, so a form that is sent twice is one question.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE).
-- Returns: jsonb
--   outcome: 'stored' | 'limited'
--     | 'no_access'          (the lesson is not open to the user)
-- Errors: W0002 the text is empty or longer than 4,000 characters, or the reference is empty.
create or replace function public.ask_lesson_question(p_user_id bigint, p_lesson_id bigint, p_text text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lesson public.lessons := private.open_lesson(p_user_id, p_lesson_id);
begin
  if v_lesson.id is null then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  if coalesce(length(btrim(p_text)), 0) not between 1 and 4000 or coalesce(p_reference, '') = '' then
    raise exception 'no question' using errcode = 'W0002';
  end if;
  perform private.lock_progress(p_user_id, v_lesson);
  if exists (select from public.lesson_questions as q where q.user_id = p_user_id and q.reference = p_reference) then
    return jsonb_build_object('outcome', 'stored');
  end if;
  if (
    select count(*) >= 20
      from public.lesson_questions as q
     where q.user_id = p_user_id and q.created_at > private.clock() - interval '24 hours'
  ) then
    return jsonb_build_object('outcome', 'limited');
  end if;
  insert into public.lesson_questions (user_id, lesson_id, text, reference)
  values (p_user_id, p_lesson_id, btrim(p_text), p_reference);
  return jsonb_build_object('outcome', 'stored');
end
$$;

revoke all on function public.ask_lesson_question from public, anon, authenticated, service_role;
grant execute on function public.ask_lesson_question to bot_backend;
comment on function public.ask_lesson_question is 'Stores a learners question about a lesson';

-- Returns a learner's own questions about a lesson, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { text: text, created_at: timestamptz } ]
-- Errors: none.
create or replace function public.list_lesson_questions(p_user_id bigint, p_lesson_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(jsonb_build_object('text', q.text, 'created_at', q.created_at) order by q.id desc), '[]'
    )
    from public.lesson_questions as q
   where q.user_id = p_user_id and q.lesson_id = p_lesson_id;
$$;

revoke all on function public.list_lesson_questions from public, anon, authenticated, service_role;
grant execute on function public.list_lesson_questions to bot_backend;
comment on function public.list_lesson_questions is 'A learners own questions about a lesson';

-- Stores a course of a folder (./switchboard courses load): the course, its lessons, and products that sell it where they are missing.
--
-- What was changed in the console since the last load stays as it is, unless p_overwrites: courses and lessons remember the version
-- that was loaded. A lesson without a file stays. Products and prices are created once and never changed; p_on_sale puts new ones on
-- sale.
--
-- Concurrency: loads of the same course are serialized by its row; a repeated load changes nothing.
-- Locks: course (FOR UPDATE), its lessons.
-- Returns: jsonb
--   course: 'new' | 'updated' | 'unchanged' | 'edited'   (edited: changed in the console, left as it is)
--   lessons: [ { slug: text, outcome: 'new' | 'updated' | 'unchanged' | 'edited' | 'no_file' } ]
--   products: [ text ]       (new ones)
-- Errors: a check of a table refuses a value.
create or replace function private.load_course(p_course jsonb, p_overwrites boolean, p_on_sale boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_old public.courses;
  v_new public.courses;
  v_lesson jsonb;
  v_old_lesson public.lessons;
  v_new_lesson public.lessons;
  v_offer jsonb;
  v_outcome text := 'unchanged';
  v_lesson_outcome text;
  v_lessons jsonb := '[]'::jsonb;
  v_products jsonb := '[]'::jsonb;
begin
  insert into public.courses (slug, texts)
  values (p_course ->> 'slug', p_course -> 'texts')
  on conflict (slug) do nothing;
  if found then
    v_outcome := 'new';
  end if;
  select c.* into v_old from public.courses as c where c.slug = p_course ->> 'slug' for update;
  v_new := jsonb_populate_record(v_old, p_course - 'slug');
  if v_outcome = 'unchanged' and v_old.loaded_version is distinct from v_old.version and not p_overwrites then
    v_outcome := 'edited';
  elsif v_outcome = 'new' or v_new is distinct from v_old or v_old.loaded_version is distinct from v_old.version then
    v_outcome := coalesce(nullif(v_outcome, 'unchanged'), 'updated');
    update public.courses as c
       set position = v_new.position,
           is_published = v_new.is_published,
           texts = v_new.texts,
           shows_learner_count = v_new.shows_learner_count,
           plan_tier = v_new.plan_tier,
           next_step = v_new.next_step,
           version = case v_outcome when 'new' then c.version else c.version + 1 end,
           loaded_version = case v_outcome when 'new' then c.version else c.version + 1 end,
           updated_at = private.clock()
     where c.id = v_old.id;
  end if;
  for v_lesson in select l.value from jsonb_array_elements(p_course -> 'lessons') as l (value) loop
    v_lesson_outcome := 'unchanged';
    insert into public.lessons (course_id, slug, texts)
    values (v_old.id, v_lesson ->> 'slug', v_lesson -> 'texts')
    on conflict (course_id, slug) do nothing;
    if found then
      v_lesson_outcome := 'new';
    end if;
    select l.* into v_old_lesson
      from public.lessons as l
     where l.course_id = v_old.id and l.slug = v_lesson ->> 'slug'
       for update;
    -- JSON null is a value of a jsonb column; here it stands for none.
    v_new_lesson := jsonb_populate_record(v_old_lesson, v_lesson - 'slug');
    v_new_lesson.video := nullif(v_new_lesson.video, 'null');
    v_new_lesson.quiz := nullif(v_new_lesson.quiz, 'null');
    v_new_lesson.homework := nullif(v_new_lesson.homework, 'null');
    if v_lesson_outcome = 'unchanged'
      and v_old_lesson.loaded_version is distinct from v_old_lesson.version
      and not p_overwrites
    then
      v_lesson_outcome := 'edited';
    elsif v_lesson_outcome = 'new'
      or v_new_lesson is distinct from v_old_lesson
      or v_old_lesson.loaded_version is distinct from v_old_lesson.version
    then
      v_lesson_outcome := coalesce(nullif(v_lesson_outcome, 'unchanged'), 'updated');
      update public.lessons as l
         set position = v_new_lesson.position,
             is_published = v_new_lesson.is_published,
             tier = v_new_lesson.tier,
             is_preview = v_new_lesson.is_preview,
             is_required = v_new_lesson.is_required,
             texts = v_new_lesson.texts,
             duration_seconds = v_new_lesson.duration_seconds,
             video = v_new_lesson.video,
             files = v_new_lesson.files,
             quiz = v_new_lesson.quiz,
             homework = v_new_lesson.homework,
             homework_tier = v_new_lesson.homework_tier,
             completion = v_new_lesson.completion,
             watch_percent = v_new_lesson.watch_percent,
             release = v_new_lesson.release,
             release_days = v_new_lesson.release_days,
             release_at = v_new_lesson.release_at,
             version = case v_lesson_outcome when 'new' then l.version else l.version + 1 end,
             loaded_version = case v_lesson_outcome when 'new' then l.version else l.version + 1 end,
             updated_at = private.clock()
       where l.id = v_old_lesson.id;
    end if;
    v_lessons := v_lessons || jsonb_build_object('slug', v_lesson ->> 'slug', 'outcome', v_lesson_outcome);
  end loop;
  select v_lessons || coalesce(jsonb_agg(jsonb_build_object('slug', l.slug, 'outcome', 'no_file') order by l.position), '[]')
    into v_lessons
    from public.lessons as l
   where l.course_id = v_old.id
     and not exists (
       select from jsonb_array_elements(p_course -> 'lessons') as f (value) where f.value ->> 'slug' = l.slug
     );
  for v_offer in select o.value from jsonb_array_elements(p_course -> 'offers') as o (value) loop
    insert into public.products (key, kind, texts, is_active)
    values (v_offer ->> 'product_key', 'course', v_offer -> 'texts', p_on_sale)
    on conflict (key) do nothing;
    if found then
      insert into public.product_prices (product_key, currency, amount)
      select v_offer ->> 'product_key', p.key, p.value::numeric
        from jsonb_each_text(v_offer -> 'prices') as p;
      insert into public.course_offers (product_key, course_id, tier, access_days)
      values (v_offer ->> 'product_key', v_old.id, v_offer ->> 'tier', (v_offer ->> 'access_days')::integer);
      v_products := v_products || (v_offer -> 'product_key');
    end if;
  end loop;
  return jsonb_build_object('course', v_outcome, 'lessons', v_lessons, 'products', v_products);
end
$$;

revoke all on function private.load_course from public, anon, authenticated, service_role;
comment on function private.load_course is 'Stores a course of a folder';

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
    'questions', (
      select coalesce(jsonb_agg(to_jsonb(q) - array['id', 'user_id'] order by q.id), '[]'::jsonb)
        from public.lesson_questions as q
       where q.user_id = p_user_id
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

comment on column public.courses.loaded_version is 'Version that was loaded from the course''s files; null: written in the console. A version that differs was edited there';

comment on column public.lessons.loaded_version is 'Version that was loaded from the lesson''s files; null: written in the console. A version that differs was edited there';
