-- Cohorts and course files.

-- The successor has one parameter more, with a default.
-- squawk-ignore ban-drop-function
drop function public.admin_list_learners(p_slug text, p_admin_email text, p_page integer, p_size integer);

-- Files that admins upload for a course: pictures of texts, documents to download, videos. A row exists before its object is
-- uploaded, so every object has a row, or a place in the queue of deletions. They stay until an admin deletes them.

create table public.course_files (
  id bigint generated always as identity primary key,
  course_id bigint not null references public.courses (id) on delete cascade,
  kind text not null check (kind in ('picture', 'document', 'video')),
  key text not null unique check (key ~ '^courses/[0-9a-f-]{36}/[0-9a-f-]{36}\.[a-z0-9]{1,8}$'),
  name text not null check (name ~ '[^[:space:]]' and length(name) <= 200),
  alt text not null default '' check (length(alt) <= 300 and (kind <> 'picture' or alt ~ '[^[:space:]]')),
  mime_type text not null check (mime_type ~ '^[a-z]+/[a-z0-9.+-]{1,80}$'),
  size_bytes bigint not null check (size_bytes > 0),
  status text not null default 'uploading' check (status in ('uploading', 'stored')),
  created_at timestamptz not null default private.clock()
);

create index course_files_course_idx on public.course_files (course_id, id);

create trigger course_files_enqueue_deletions
after delete on public.course_files
referencing old table as old_files
for each statement execute function private.enqueue_storage_deletions();

comment on table public.course_files is 'Files that admins upload for a course';
comment on column public.course_files.key is 'Key in the bucket media: courses/<folder of the course>/<UUID of the file>.<extension>';
comment on column public.course_files.alt is 'What a picture shows, for those who do not see it';
comment on column public.course_files.status is 'uploading: the object may not exist yet';
alter table public.course_files enable row level security;
revoke all on table public.course_files from public, anon, authenticated, service_role;
revoke all on sequence public.course_files_id_seq from public, anon, authenticated, service_role;

-- Returns a tier that a learner has or had, for admins.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   tier: 'basic' | 'accelerator' | 'vip'
--   source: 'purchase' | 'manual' | 'upgrade'
--   amount_paid: numeric
--   currency: text | null
--   payment_id: bigint | null
--   cohort: text | null                        (key)
--   enrolled_at: timestamptz
--   expires_at: timestamptz | null
--   withdrawn_at: timestamptz | null
-- Errors: none.
create or replace function private.enrollment_card(p_enrollment public.enrollments)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_enrollment.id,
      'tier', p_enrollment.tier,
      'source', p_enrollment.source,
      'amount_paid', p_enrollment.amount_paid::text,
      'currency', p_enrollment.currency,
      'payment_id', p_enrollment.payment_id,
      'cohort', (select h.key from public.cohorts as h where h.id = p_enrollment.cohort_id),
      'enrolled_at', p_enrollment.enrolled_at,
      'expires_at', p_enrollment.expires_at,
      'withdrawn_at', p_enrollment.withdrawn_at
    );
$$;

revoke all on function private.enrollment_card from public, anon, authenticated, service_role;
comment on function private.enrollment_card is 'A tier that a learner has or had';

-- Returns a learner of a course with their progress, for admins.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   user_id: bigint
--   telegram_id: bigint
--   name: text
--   username: text | null
--   enrollments: [ private.enrollment_card ]    (the highest tier first)
--   lessons: int                               (of the learner's tier)
--   completed_lessons: int
--   time_spent_seconds: bigint
--   waiting_homework: int
--   last_lesson: text | null                   (slug)
--   last_active_at: timestamptz | null
--   completed_at: timestamptz | null
--   certificate: text | null                   (code)
-- Errors: none.
create or replace function private.learner_row(p_user_id bigint, p_course public.courses)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'user_id', u.id,
      'telegram_id', u.telegram_id,
      'name', concat_ws(' ', u.first_name, u.last_name),
      'username', u.username,
      'enrollments', (
        select coalesce(jsonb_agg(private.enrollment_card(e) order by private.tier_rank(e.tier) desc), '[]')
          from public.enrollments as e
         where e.user_id = u.id and e.course_id = p_course.id
      ),
      'lessons', s.lessons,
      'completed_lessons', s.completed,
      'time_spent_seconds', s.seconds,
      'waiting_homework', (
        select count(*)
          from public.homework_submissions as w
          join public.lessons as l on l.id = w.lesson_id
         where w.user_id = u.id and l.course_id = p_course.id and w.state = 'submitted'
      ),
      'last_lesson', (select l.slug from public.lessons as l where l.id = p.last_lesson_id),
      'last_active_at', p.last_active_at,
      'completed_at', p.completed_at,
      'certificate', (
        select c.code
          from public.course_certificates as c
         where c.user_id = u.id and c.course_id = p_course.id and c.withdrawn_at is null
      )
    )
    from public.users as u
    left join public.course_progress as p on p.user_id = u.id and p.course_id = p_course.id
    cross join lateral (
      select
        count(*) filter (where r.is_own) as lessons,
        count(*) filter (where r.is_own and r.completed) as completed,
        coalesce(sum(r.seconds), 0) as seconds
        from (
          select
            l.is_published and private.tier_rank(l.tier) <= private.tier_rank(a.tier) as is_own,
            coalesce(g.completed, false) as completed,
            g.time_spent_seconds as seconds
            from private.course_access(u.id, p_course) as a
            join public.lessons as l on l.course_id = p_course.id
            left join public.lesson_progress as g on g.user_id = u.id and g.lesson_id = l.id
        ) as r
    ) as s
   where u.id = p_user_id;
$$;

revoke all on function private.learner_row from public, anon, authenticated, service_role;
comment on function private.learner_row is 'A learner of a course with their progress';

-- Creates a product that sells a tier of a course in an admin's name, hidden and without a price: both follow in /products.
-- p_titles: its title by language.
--
-- Concurrency: the key of a product is unique, so of two calls with one key the second gets exists.
-- Locks: product, offer.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none' }   (exists: another product has this key; none: no such course or cohort)
-- Errors: N0001 not an admin; W0003 a value is invalid.
create or replace function public.admin_create_course_product(
  p_product_key text, p_titles jsonb, p_slug text, p_tier text, p_admin_email text,
  p_cohort_key text default null, p_access_days integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_texts constant jsonb := (
    select jsonb_object_agg(t.key, jsonb_build_object('title', trim(t.value))) from jsonb_each_text(p_titles) as t
  );
begin
  if exists (select from jsonb_each_text(p_titles) as t where private.check_product_text('title', trim(t.value)) is not null) then
    raise exception 'a value of the product is invalid: title' using errcode = 'W0003';
  end if;
  if not exists (
    select
      from public.courses as c
      left join public.cohorts as h on h.course_id = c.id and h.key = p_cohort_key
     where c.slug = p_slug and (h.id is not null or p_cohort_key is null)
  ) then
    return '{"outcome": "none"}'::jsonb;
  end if;
  insert into public.products (key, kind, texts)
  values (p_product_key, 'course', v_texts)
  on conflict (key) do nothing;
  if not found then
    return '{"outcome": "exists"}'::jsonb;
  end if;
  perform private.write_audit(
    v_email, 'create_product', null, null, '{}', jsonb_build_object('product', p_product_key, 'texts', v_texts)
  );
  return public.admin_save_course_offer(p_product_key, p_slug, p_tier, p_admin_email, p_cohort_key, p_access_days);
exception when check_violation or not_null_violation then
  raise exception 'a value of the product is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_create_course_product from public, anon, authenticated, service_role;
grant execute on function public.admin_create_course_product to bot_backend;
comment on function public.admin_create_course_product is 'Creates a product that sells a tier of a course in an admins name';

-- Deletes an uploaded file of a course in an admin's name, unless it is used. Its object enters the queue of deletions.
--
-- Concurrency: the course is locked, as by private.save_lesson: a lesson that begins to use the file at the same moment is saved
--   before, and then the file stays, or after it.
-- Locks: course, file.
-- Returns: jsonb
--   { outcome: 'deleted' | 'used' | 'none' }   (none: the course has no such file)
-- Errors: N0001 not an admin.
create or replace function public.admin_delete_course_file(p_slug text, p_file_id bigint, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_course_id bigint;
  v_file public.course_files;
begin
  select c.id into v_course_id from public.courses as c where c.slug = p_slug for no key update;
  select f.* into v_file from public.course_files as f where f.course_id = v_course_id and f.id = p_file_id for update;
  if not found then
    return '{"outcome": "none"}'::jsonb;
  elsif cardinality(private.course_file_uses(v_file)) > 0 then
    return '{"outcome": "used"}'::jsonb;
  end if;
  delete from public.course_files as f where f.id = v_file.id;
  perform private.write_audit(
    v_email, 'delete_course_file', null, null,
    jsonb_build_object('course', p_slug, 'key', v_file.key, 'name', v_file.name, 'kind', v_file.kind), '{}'
  );
  return '{"outcome": "deleted"}'::jsonb;
end
$$;

revoke all on function public.admin_delete_course_file from public, anon, authenticated, service_role;
grant execute on function public.admin_delete_course_file to bot_backend;
comment on function public.admin_delete_course_file is 'Deletes an uploaded file of a course in an admins name';

-- Returns a tier of a learner with whose it is, for an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     course: text         (slug)
--     telegram_id: bigint
--     name: text
--     username: text | null
--     enrollment: private.enrollment_card
--   } | null               (no such enrollment)
-- Errors: N0001 not an admin.
create or replace function public.admin_get_enrollment(p_enrollment_id bigint, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return (
    select jsonb_build_object(
        'course', c.slug,
        'telegram_id', u.telegram_id,
        'name', concat_ws(' ', u.first_name, u.last_name),
        'username', u.username,
        'enrollment', private.enrollment_card(e)
      )
      from public.enrollments as e
      join public.courses as c on c.id = e.course_id
      join public.users as u on u.id = e.user_id
     where e.id = p_enrollment_id
  );
end
$$;

revoke all on function public.admin_get_enrollment from public, anon, authenticated, service_role;
grant execute on function public.admin_get_enrollment to bot_backend;
comment on function public.admin_get_enrollment is 'A tier of a learner, for an admin';

-- Lists the cohorts of a course for an admin, by their beginning.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     starts_at: timestamptz
--     enrolls_until: timestamptz | null
--     learners: bigint     (with a tier that is not withdrawn)
--   } ] | null             (no such course)
-- Errors: N0001 not an admin.
create or replace function public.admin_list_cohorts(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return (
    select coalesce(
        (
          select jsonb_agg(
              jsonb_build_object(
                'key', h.key,
                'starts_at', h.starts_at,
                'enrolls_until', h.enrolls_until,
                'learners', (
                  select count(distinct e.user_id)
                    from public.enrollments as e
                   where e.cohort_id = h.id and e.withdrawn_at is null
                )
              )
              order by h.starts_at, h.id
            )
            from public.cohorts as h
           where h.course_id = c.id
        ),
        '[]'
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_list_cohorts from public, anon, authenticated, service_role;
grant execute on function public.admin_list_cohorts to bot_backend;
comment on function public.admin_list_cohorts is 'Lists the cohorts of a course for an admin';

-- Lists the uploaded files of a course for an admin, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint
--     kind: 'picture' | 'document' | 'video'
--     key: text
--     name: text
--     alt: text
--     size: bigint         (bytes)
--     created_at: timestamptz
--     used_in: [ text ]    (private.course_file_uses)
--   } ] | null             (no such course)
-- Errors: N0001 not an admin.
create or replace function public.admin_list_course_files(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return (
    select coalesce(
        (
          select jsonb_agg(
              jsonb_build_object(
                'id', f.id, 'kind', f.kind, 'key', f.key, 'name', f.name, 'alt', f.alt, 'size', f.size_bytes,
                'created_at', f.created_at, 'used_in', to_jsonb(private.course_file_uses(f))
              )
              order by f.id desc
            )
            from public.course_files as f
           where f.course_id = c.id and f.status = 'stored'
        ),
        '[]'
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_list_course_files from public, anon, authenticated, service_role;
grant execute on function public.admin_list_course_files to bot_backend;
comment on function public.admin_list_course_files is 'Lists the uploaded files of a course for an admin';

-- Lists what sells a course for an admin, also what is hidden, by tier.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     product: private.product_card
--     tier: 'basic' | 'accelerator' | 'vip'
--     access_days: int | null    (null: for life)
--     cohort: text | null        (key; null: each learner begins on the day of the purchase)
--   } ] | null                   (no such course)
-- Errors: N0001 not an admin.
create or replace function public.admin_list_course_offers(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return (
    select coalesce(
        (
          select jsonb_agg(
              jsonb_build_object(
                'product', private.product_card(p),
                'tier', f.tier,
                'access_days', f.access_days,
                'cohort', (select h.key from public.cohorts as h where h.id = f.cohort_id)
              )
              order by private.tier_rank(f.tier), p.position, p.key
            )
            from public.course_offers as f
            join public.products as p on p.key = f.product_key
           where f.course_id = c.id
        ),
        '[]'
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_list_course_offers from public, anon, authenticated, service_role;
grant execute on function public.admin_list_course_offers to bot_backend;
comment on function public.admin_list_course_offers is 'Lists what sells a course for an admin';

-- Lists the learners of a course with their progress for an admin, those who were enrolled last first; also those whose
-- enrollments are withdrawn or over. p_cohort_key: only those with a tier in this cohort.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     total: bigint
--     page: int            (from 1)
--     pages: int
--     learners: [ private.learner_row ]
--   } | null               (no such course)
-- Errors: N0001 not an admin.
create or replace function public.admin_list_learners(
  p_slug text, p_admin_email text, p_page integer default 1, p_size integer default 20,
  p_cohort_key text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_size constant integer := least(greatest(p_size, 1), 100);
  v_course public.courses;
  v_total bigint;
  v_pages integer;
  v_page integer;
  v_cohort_id bigint;
begin
  perform private.require_admin(p_admin_email);
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  if not found then
    return null;
  end if;
  select h.id into v_cohort_id from public.cohorts as h where h.course_id = v_course.id and h.key = p_cohort_key;
  select count(distinct e.user_id) into v_total
    from public.enrollments as e
   where e.course_id = v_course.id and (p_cohort_key is null or (e.cohort_id = v_cohort_id and e.withdrawn_at is null));
  v_pages := greatest(1, ceil(v_total / v_size::numeric));
  v_page := least(greatest(p_page, 1), v_pages);
  return jsonb_build_object(
    'total', v_total,
    'page', v_page,
    'pages', v_pages,
    'learners', (
      select coalesce(jsonb_agg(private.learner_row(o.user_id, v_course) order by o.last desc), '[]')
        from (
          select e.user_id, max(e.id) as last
            from public.enrollments as e
           where e.course_id = v_course.id
             and (p_cohort_key is null or (e.cohort_id = v_cohort_id and e.withdrawn_at is null))
           group by e.user_id
           order by max(e.id) desc
           limit v_size
          offset (v_page - 1) * v_size
        ) as o
    )
  );
end
$$;

revoke all on function public.admin_list_learners from public, anon, authenticated, service_role;
grant execute on function public.admin_list_learners to bot_backend;
comment on function public.admin_list_learners is 'Lists the learners of a course for an admin';

-- Moves a learner's tier of a course to another cohort in an admin's name; p_cohort_key null: out of cohorts, so that lessons are
-- released from the day of the enrollment. What is open stays open. The end of timed access follows the cohort's beginning. The
-- learner gets no message.
--
-- Concurrency: the user's row is locked. With a reference it acts once.
-- Locks: user (NO KEY UPDATE), grants, then as private.refresh_enrollments.
-- Returns: jsonb
--   { outcome: 'moved' | 'unchanged' | 'withdrawn' | 'none' }   (moved also for a repetition; withdrawn: the tier does not count any
--                                                                more; none: no such enrollment, or no such cohort of its course)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, user or cohort.
create or replace function public.admin_move_learner(
  p_enrollment_id bigint, p_cohort_key text, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_enrollment public.enrollments;
  v_cohort public.cohorts;
  v_known public.audit_log;
begin
  select e.* into v_enrollment from public.enrollments as e where e.id = p_enrollment_id;
  perform from public.users as u where u.id = v_enrollment.user_id for no key update;
  if not found then
    return '{"outcome": "none"}'::jsonb;
  end if;
  select e.* into v_enrollment from public.enrollments as e where e.id = p_enrollment_id;
  select h.* into v_cohort from public.cohorts as h where h.course_id = v_enrollment.course_id and h.key = p_cohort_key;
  if p_cohort_key is not null and v_cohort.id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  v_known := private.find_audit_entry(p_reference, 'move_learner', v_enrollment.user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'enrollment_id', v_known.after ->> 'cohort') is distinct from (p_enrollment_id::text, p_cohort_key) then
      raise exception 'the reference was used with another cohort' using errcode = 'N0003';
    end if;
    return '{"outcome": "moved"}'::jsonb;
  elsif v_enrollment.withdrawn_at is not null then
    return '{"outcome": "withdrawn"}'::jsonb;
  elsif v_enrollment.cohort_id is not distinct from v_cohort.id then
    return '{"outcome": "unchanged"}'::jsonb;
  end if;
  update public.enrollment_grants as g
     set cohort_id = v_cohort.id
   where g.enrollment_id = p_enrollment_id and private.is_live_grant(g);
  perform private.refresh_enrollments(v_enrollment.user_id, v_enrollment.course_id);
  perform private.write_audit(
    v_email, 'move_learner', v_enrollment.user_id, p_reference,
    jsonb_build_object(
      'enrollment_id', p_enrollment_id,
      'cohort', (select h.key from public.cohorts as h where h.id = v_enrollment.cohort_id)
    ),
    jsonb_build_object(
      'enrollment_id', p_enrollment_id,
      'course', (select c.slug from public.courses as c where c.id = v_enrollment.course_id),
      'cohort', p_cohort_key
    )
  );
  return '{"outcome": "moved"}'::jsonb;
end
$$;

revoke all on function public.admin_move_learner from public, anon, authenticated, service_role;
grant execute on function public.admin_move_learner to bot_backend;
comment on function public.admin_move_learner is 'Moves a learners tier to another cohort in an admins name';

-- Registers a file of a course before it is uploaded to Supabase Storage, in an admin's name, and returns its key. p_name identifies
-- the file: a repeated call returns the same key. Uploads of the course that were not completed within a day are removed.
--
-- Concurrency: the course is locked, so two first files get one folder.
-- Locks: course, files.
-- Returns: jsonb
--   {
--     key: text
--     status: 'uploading' | 'stored'    (stored: it is there already, from an earlier call)
--   } | null                            (no such course)
-- Errors: N0001 not an admin; W0003 a value is invalid.
create or replace function public.admin_register_course_file(
  p_slug text, p_kind text, p_title text, p_alt text, p_name uuid, p_extension text, p_mime_type text, p_size bigint,
  p_admin_email text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_course_id bigint;
  v_folder text;
  v_key text;
  v_file public.course_files;
begin
  select c.id into v_course_id from public.courses as c where c.slug = p_slug for no key update;
  if not found then
    return null;
  end if;
  delete from public.course_files as f
   where f.course_id = v_course_id
     and f.status = 'uploading'
     and f.created_at <= private.clock() - interval '1 day';
  select split_part(f.key, '/', 2) into v_folder
    from public.course_files as f
   where f.course_id = v_course_id
   order by f.id desc
   limit 1;
  v_key := format('courses/%s/%s.%s', coalesce(v_folder, gen_random_uuid()::text), p_name, p_extension);
  insert into public.course_files (course_id, kind, key, name, alt, mime_type, size_bytes)
  values (v_course_id, p_kind, v_key, p_title, coalesce(p_alt, ''), p_mime_type, p_size)
  on conflict (key) do nothing
  returning * into v_file;
  if v_file.id is not null then
    perform private.write_audit(
      v_email, 'add_course_file', null, null, '{}',
      jsonb_build_object('course', p_slug, 'key', v_key, 'name', p_title, 'kind', p_kind)
    );
  else
    select f.* into strict v_file from public.course_files as f where f.key = v_key;
  end if;
  return jsonb_build_object('key', v_file.key, 'status', v_file.status);
exception when check_violation or not_null_violation then
  raise exception 'a value of the file is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_register_course_file from public, anon, authenticated, service_role;
grant execute on function public.admin_register_course_file to bot_backend;
comment on function public.admin_register_course_file is 'Registers a file of a course before it is uploaded';

-- Gives a cohort another key in an admin's name. Its learners and offers stay.
--
-- Concurrency: the key is unique in the course, so of two cohorts that get one key at once the second is refused.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none' }   (exists: another cohort of the course has this key; none: no such cohort)
-- Errors: N0001 not an admin; W0003 the key is invalid.
create or replace function public.admin_rename_cohort(p_slug text, p_key text, p_new_key text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_cohort_id bigint;
begin
  update public.cohorts as h
     set key = p_new_key
    from public.courses as c
   where c.slug = p_slug and h.course_id = c.id and h.key = p_key
  returning h.id into v_cohort_id;
  if v_cohort_id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  if p_key <> p_new_key then
    perform private.write_audit(
      v_email, 'save_cohort', null, null,
      jsonb_build_object('id', v_cohort_id, 'key', p_key),
      jsonb_build_object('id', v_cohort_id, 'key', p_new_key, 'course', p_slug)
    );
  end if;
  return '{"outcome": "saved"}'::jsonb;
exception
  when unique_violation then
    return '{"outcome": "exists"}'::jsonb;
  when check_violation or not_null_violation then
    raise exception 'a value of the cohort is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_rename_cohort from public, anon, authenticated, service_role;
grant execute on function public.admin_rename_cohort to bot_backend;
comment on function public.admin_rename_cohort is 'Gives a cohort another key in an admins name';

-- Records that a registered file of a course is uploaded.
--
-- Concurrency: repeated calls change nothing. If the row was deleted meanwhile, the object is in the queue of deletions.
-- Locks: file.
-- Returns: jsonb
--   stored: boolean      (false: it was deleted)
-- Errors: none.
create or replace function public.confirm_course_file(p_key text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.course_files as f set status = 'stored' where f.key = p_key;
  return jsonb_build_object('stored', found);
end
$$;

revoke all on function public.confirm_course_file from public, anon, authenticated, service_role;
grant execute on function public.confirm_course_file to bot_backend;
comment on function public.confirm_course_file is 'Records that a file of a course is uploaded';

-- Returns where a file of a course is used: as the video or a file of a lesson, or by its name in a text.
--
-- Concurrency: read-only; a caller that deletes the file holds the course.
-- Locks: none.
-- Returns: text[], slugs of lessons; an empty slug stands for the course's own texts.
-- Errors: none.
create or replace function private.course_file_uses(p_file public.course_files)
returns text[]
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(u.slug order by u.position, u.slug), '{}')
    from (
      select '' as slug, -1::bigint as position
        from public.courses as c
       where c.id = p_file.course_id
         and strpos(c.texts::text || c.next_step::text, split_part(p_file.key, '/', 3)) > 0
      union all
      select l.slug, l.position::bigint
        from public.lessons as l
       where l.course_id = p_file.course_id
         and strpos(
           concat(l.texts, l.homework, l.video, l.files), split_part(p_file.key, '/', 3)
         ) > 0
    ) as u;
$$;

revoke all on function private.course_file_uses from public, anon, authenticated, service_role;
comment on function private.course_file_uses is 'Where a file of a course is used';

-- Finds an uploaded picture of a course by the last part of its key, as texts of lessons name it. Anyone who knows the name, which
-- is random, may see it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { key: text, mime_type: text } | null
-- Errors: none.
create or replace function public.find_course_picture(p_slug text, p_name text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('key', f.key, 'mime_type', f.mime_type)
    from public.courses as c
    join public.course_files as f on f.course_id = c.id
   where c.slug = p_slug and f.kind = 'picture' and f.status = 'stored' and split_part(f.key, '/', 3) = p_name;
$$;

revoke all on function public.find_course_picture from public, anon, authenticated, service_role;
grant execute on function public.find_course_picture to bot_backend;
comment on function public.find_course_picture is 'Finds an uploaded picture of a course';

-- Returns a lesson as a user sees it: all of it if it is open to them (private.lesson_states), else what the list of the course
-- shows. An open lesson is noted as the one where the user is, and completed if opening it is its rule.
--
-- Concurrency: see private.lock_progress and private.settle_lesson.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.settle_lesson.
-- Returns: jsonb
--   {
--     course: { id: bigint, slug: text, titles: { [text]: text }, tier: 'basic' | 'accelerator' | 'vip' | null }
--     lesson: private.lesson_card
--     number: int                              (its place among the lessons that the user sees, from 1)
--     of: int                                  (how many these are)
--     previous: text | null                    (slug of the lesson before it)
--     content: {
--       texts: { [text]: { title: text, body?: text } }
--       video: { adapter: 'storage' | 'youtube' | 'kinescope', reference: text } | null
--       files: [ { name: text, reference: text, size?: int } ]
--       quiz: private.quiz_state
--       homework: private.homework_state
--     } | null             (null: not open)
--     progress: private.lesson_result | null   (null: not open, or a visitor)
--   } | null               (no such lesson)
-- Errors: none.
create or replace function public.read_lesson(p_user_id bigint, p_course_slug text, p_lesson_slug text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_access record;
  v_seen record;
  v_lesson public.lessons;
  v_progress public.lesson_progress;
  v_result jsonb;
  v_place record;
begin
  select c.* into v_course from public.courses as c where c.slug = p_course_slug;
  select a.* into v_access from private.course_access(p_user_id, v_course) as a;
  select l.* into v_lesson from public.lessons as l where l.course_id = v_course.id and l.slug = p_lesson_slug;
  select s.state, s.opens_at into v_seen
    from private.lesson_states(p_user_id, v_course, v_lesson.id) as s
   where v_lesson.id is not null and (v_course.is_published or v_access.is_staff);
  if not found then
    return null;
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  if found and v_seen.state = 'open' then
    v_progress := private.lock_progress(p_user_id, v_lesson);
    v_result := private.lesson_result(p_user_id, v_lesson, private.settle_lesson(p_user_id, v_lesson, v_progress));
  end if;
  select p.* into v_progress
    from public.lesson_progress as p
   where p.user_id = p_user_id and p.lesson_id = v_lesson.id;
  select count(*) filter (where (l.position, l.id) <= (v_lesson.position, v_lesson.id)) as number, count(*) as total into v_place
    from public.lessons as l
   where l.course_id = v_course.id and (l.is_published or v_access.is_staff);
  return jsonb_build_object(
    'course', jsonb_build_object(
      'id', v_course.id, 'slug', v_course.slug, 'titles', private.text_titles(v_course.texts), 'tier', v_access.tier
    ),
    'lesson', private.lesson_card(v_lesson, v_progress, v_seen.state, v_seen.opens_at),
    'number', v_place.number,
    'of', v_place.total,
    'previous', (
      select l.slug
        from public.lessons as l
       where l.course_id = v_course.id
         and (l.position, l.id) < (v_lesson.position, v_lesson.id)
         and (l.is_published or v_access.is_staff)
       order by l.position desc, l.id desc
       limit 1
    ),
    'content', case when v_seen.state = 'open' then jsonb_build_object(
      'texts', v_lesson.texts,
      'video', v_lesson.video,
      'files', v_lesson.files,
      'quiz', private.quiz_state(p_user_id, v_lesson),
      'homework', private.homework_state(p_user_id, v_lesson, v_access.is_staff, v_access.tier)
    ) end,
    'progress', v_result
  );
end
$$;

revoke all on function public.read_lesson from public, anon, authenticated, service_role;
grant execute on function public.read_lesson to bot_backend;
comment on function public.read_lesson is 'A lesson as a user sees it';
