-- Writing courses: one function for editors and loads. Only functions of this database call what is dropped.
-- squawk-ignore-file ban-drop-function

drop function private.save_course(p_slug text, p_values jsonb, p_version integer);

drop function private.save_lesson(p_course_slug text, p_slug text, p_values jsonb, p_version integer);

-- Creates or changes a course in an admin's name (private.write_course), and writes to the audit log which columns were changed.
--
-- Concurrency: see private.write_course.
-- Locks: as private.write_course.
-- Returns: jsonb
--   ...private.write_course
-- Errors: N0001 not an admin; W0003 a value is invalid.
create or replace function public.admin_save_course(
  p_slug text, p_values jsonb, p_admin_email text, p_version integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_saved constant jsonb := private.write_course(p_slug, p_values, p_version);
begin
  if v_saved ->> 'outcome' in ('created', 'saved') then
    perform private.write_audit(
      v_email, 'save_course', null, null, jsonb_build_object('version', p_version),
      jsonb_build_object(
        'course', p_slug, 'version', v_saved -> 'version',
        'columns', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(p_values) as k (key))
      )
    );
  end if;
  return v_saved;
end
$$;

revoke all on function public.admin_save_course from public, anon, authenticated, service_role;
grant execute on function public.admin_save_course to bot_backend;
comment on function public.admin_save_course is 'Creates or changes a course in an admin''s name';

-- Creates or changes a lesson in an admin's name (private.write_lesson), and writes to the audit log which columns were changed.
--
-- Concurrency: see private.write_lesson.
-- Locks: as private.write_lesson.
-- Returns: jsonb
--   ...private.write_lesson
-- Errors: N0001 not an admin; W0003 a value is invalid.
create or replace function public.admin_save_lesson(
  p_course_slug text, p_slug text, p_values jsonb, p_admin_email text, p_version integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_saved constant jsonb := private.write_lesson(p_course_slug, p_slug, p_values, p_version);
begin
  if v_saved ->> 'outcome' in ('created', 'saved') then
    perform private.write_audit(
      v_email, 'save_lesson', null, null, jsonb_build_object('version', p_version),
      jsonb_build_object(
        'course', p_course_slug, 'lesson', p_slug, 'version', v_saved -> 'version',
        'columns', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(p_values) as k (key))
      )
    );
  end if;
  return v_saved;
end
$$;

revoke all on function public.admin_save_lesson from public, anon, authenticated, service_role;
grant execute on function public.admin_save_lesson to bot_backend;
comment on function public.admin_save_lesson is 'Creates or changes a lesson in an admin''s name';

-- Alerts the admins about the partial refund of a course purchase that has lowered the price of an upgrade: the learner keeps both
-- tiers. A full refund withdraws them (private.switch_grant).
--
-- Concurrency: the caller holds the payment and the user, and calls once per refund or dispute.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.alarm_upgraded_refund(p_payment public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.alarm_payment_problem(p_payment, 'upgraded_refund')
     from public.enrollment_grants as g
     join public.enrollments as e on e.id = g.enrollment_id
    where g.payment_id = p_payment.id
      and exists (
        select
          from public.enrollments as f
          join public.enrollment_grants as u on u.enrollment_id = f.id
         where f.user_id = e.user_id
           and f.course_id = e.course_id
           and g.id = any(u.credited)
           and private.is_live_grant(u)
      );
end
$$;

revoke all on function private.alarm_upgraded_refund from public, anon, authenticated, service_role;
comment on function private.alarm_upgraded_refund is 'Alerts the admins about the partial refund of an upgraded purchase';

-- Issues the certificate of a completed course, once, with the name as the learner typed it. Spaces and control characters become
-- single spaces, and characters that change the direction of others are left out. A later call returns it again, whatever the name.
--
-- Concurrency: user and progress are locked in the order of an erasure; of calls at once one issues it.
-- Locks: user (NO KEY UPDATE), so that a refund at the same time comes before or after.
-- Returns: jsonb
--   outcome: 'issued' | 'known'
--     | 'not_completed'    (also without any access; without certificate)
--     | 'withdrawn'        (the course was refunded; without certificate)
--   certificate?: public.find_course_certificate
-- Errors: W0002 the name has no letter or digit, or more than 100 characters.
create or replace function public.issue_course_certificate(p_user_id bigint, p_slug text, p_name text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := btrim(
    regexp_replace(regexp_replace(p_name, '[\u202a-\u202e\u2066-\u2069]', '', 'g'), '[[:space:][:cntrl:]]+', ' ', 'g')
  );
  v_course public.courses;
  v_certificate public.course_certificates;
  v_is_new boolean;
begin
  if coalesce(length(v_name) > 100 or v_name !~ '[[:alnum:]]', true) then
    raise exception 'the name must have a letter or digit, and at most 100 characters' using errcode = 'W0002';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  select c.* into v_course
    from public.courses as c
    join public.course_progress as p on p.user_id = p_user_id and p.course_id = c.id
   where c.slug = p_slug
     and p.completed_at is not null
     and (
       (select a.tier is not null from private.course_access(p_user_id, c) as a)
       or exists (
         select
           from public.enrollments as e
          where e.user_id = p_user_id and e.course_id = c.id and e.withdrawn_at is null
       )
     );
  if not found then
    return jsonb_build_object('outcome', 'not_completed');
  end if;
  insert into public.course_certificates (user_id, course_id, name)
  values (p_user_id, v_course.id, v_name)
  on conflict (user_id, course_id) do nothing;
  v_is_new := found;
  select c.* into v_certificate
    from public.course_certificates as c
   where c.user_id = p_user_id and c.course_id = v_course.id;
  if v_certificate.withdrawn_at is not null then
    return jsonb_build_object('outcome', 'withdrawn');
  end if;
  return jsonb_build_object(
    'outcome', case when v_is_new then 'issued' else 'known' end,
    'certificate', public.find_course_certificate(v_certificate.code)
  );
end
$$;

revoke all on function public.issue_course_certificate from public, anon, authenticated, service_role;
grant execute on function public.issue_course_certificate to bot_backend;
comment on function public.issue_course_certificate is 'Issues the certificate of a completed course, once';

-- Stores a course of a folder (./switchboard courses load): the course, its lessons, and products that sell it where they are missing.
--
-- What was changed in the console since the last load stays as it is, unless p_overwrites: courses and lessons remember the version
-- that was loaded. A lesson without a file stays. Products and prices are created once and never changed; p_on_sale puts new ones on
-- sale.
--
-- Concurrency: loads of the same course are serialized by its row; a repeated load changes nothing.
-- Locks: course, its lessons.
-- Returns: jsonb
--   course: 'new' | 'updated' | 'unchanged' | 'edited'   (edited: changed in the console, left as it is)
--   lessons: [ { slug: text, outcome: 'new' | 'updated' | 'unchanged' | 'edited' | 'no_file' } ]
--   products: [ text ]       (new ones)
-- Errors: W0003 a value is invalid.
create or replace function private.load_course(p_course jsonb, p_overwrites boolean, p_on_sale boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_slug constant text := p_course ->> 'slug';
  v_values constant jsonb := p_course - array['slug', 'lessons', 'offers'];
  v_words constant jsonb := '{"created": "new", "saved": "updated", "unchanged": "unchanged", "exists": "edited"}';
  v_version integer;
  v_saved jsonb;
  v_course_id bigint;
  v_outcome text;
  v_lesson jsonb;
  v_offer jsonb;
  v_lessons jsonb := '[]'::jsonb;
  v_products jsonb := '[]'::jsonb;
begin
  v_saved := private.write_course(v_slug, v_values, null, true);
  if v_saved ->> 'outcome' = 'exists' then
    -- Without a version it was only found: it is written unless it was changed in the console.
    select c.version into v_version
      from public.courses as c
     where c.slug = v_slug and (c.loaded_version = c.version or p_overwrites);
    if found then
      v_saved := private.write_course(v_slug, v_values, v_version, true);
    end if;
  end if;
  v_course_id := (v_saved ->> 'id')::bigint;
  v_outcome := v_words ->> (v_saved ->> 'outcome');
  for v_lesson in select l.value from jsonb_array_elements(p_course -> 'lessons') as l (value) loop
    v_saved := private.write_lesson(v_slug, v_lesson ->> 'slug', v_lesson - 'slug', null, true);
    if v_saved ->> 'outcome' = 'exists' then
      select l.version into v_version
        from public.lessons as l
       where l.id = (v_saved ->> 'id')::bigint and (l.loaded_version = l.version or p_overwrites);
      if found then
        v_saved := private.write_lesson(v_slug, v_lesson ->> 'slug', v_lesson - 'slug', v_version, true);
      end if;
    end if;
    v_lessons := v_lessons || jsonb_build_object(
      'slug', v_lesson ->> 'slug', 'outcome', v_words -> (v_saved ->> 'outcome')
    );
  end loop;
  select v_lessons || coalesce(jsonb_agg(jsonb_build_object('slug', l.slug, 'outcome', 'no_file') order by l.position), '[]')
    into v_lessons
    from public.lessons as l
   where l.course_id = v_course_id
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
      values (v_offer ->> 'product_key', v_course_id, v_offer ->> 'tier', (v_offer ->> 'access_days')::integer);
      v_products := v_products || (v_offer -> 'product_key');
    end if;
  end loop;
  return jsonb_build_object('course', v_outcome, 'lessons', v_lessons, 'products', v_products);
end
$$;

revoke all on function private.load_course from public, anon, authenticated, service_role;
comment on function private.load_course is 'Stores a course of a folder';

-- Returns whether a user may see a course: a published one everyone, a hidden one its staff. p_user_id null: a visitor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   is_visible: boolean    (false also without such a course)
-- Errors: none.
create or replace function public.may_see_course(p_user_id bigint, p_slug text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('is_visible', coalesce(bool_or(c.is_published or a.is_staff), false))
    from public.courses as c
    cross join lateral private.course_access(p_user_id, c) as a
   where c.slug = p_slug;
$$;

revoke all on function public.may_see_course from public, anon, authenticated, service_role;
grant execute on function public.may_see_course to bot_backend;
comment on function public.may_see_course is 'Whether a user may see a course';

-- Returns what the files of a lesson need, where it is open to a user (private.lesson_states): also a hidden course only to its staff.
-- Unlike public.read_lesson it notes no visit: a player asks for one video in many parts. p_user_id null: a visitor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     lesson_id: bigint
--     video: { adapter: 'storage' | 'youtube' | 'kinescope', reference: text } | null
--     files: [ { name: text, reference: text, size?: int } ]
--     homework: private.homework_state
--   } | null               (no such lesson, or not open)
-- Errors: none.
create or replace function public.read_lesson_files(p_user_id bigint, p_course_slug text, p_lesson_slug text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'lesson_id', l.id,
      'video', l.video,
      'files', l.files,
      'homework', private.homework_state(p_user_id, l, a.is_staff, a.tier)
    )
    from public.courses as c
    join public.lessons as l on l.course_id = c.id
    cross join lateral private.course_access(p_user_id, c) as a
    cross join lateral private.lesson_states(p_user_id, c, l.id) as s
   where c.slug = p_course_slug and l.slug = p_lesson_slug and s.state = 'open' and (c.is_published or a.is_staff);
$$;

revoke all on function public.read_lesson_files from public, anon, authenticated, service_role;
grant execute on function public.read_lesson_files to bot_backend;
comment on function public.read_lesson_files is 'The files of a lesson that is open to a user';

-- Derives a learner's tiers of a course from their grants. Days of access follow each other; those of a cohort begin with it.
-- Without any tier left, by a grant or by a paid plan, the certificate is withdrawn; with one it is valid again.
--
-- Concurrency: the caller holds the user's row. Derived from enrollment_grants alone, so a repetition changes nothing.
-- Locks: user (held by the caller), the user's enrollments in the course, the certificate.
-- Returns: void
-- Errors: none.
create or replace function private.refresh_enrollments(p_user_id bigint, p_course_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_enrollment public.enrollments;
  v_grant public.enrollment_grants;
  v_newest public.enrollment_grants;
  v_begins_at timestamptz;
  v_ends_at timestamptz;
  v_enrolled_at timestamptz;
  v_is_for_life boolean;
begin
  for v_enrollment in
    select e.* from public.enrollments as e where e.user_id = p_user_id and e.course_id = p_course_id order by e.id
  loop
    v_newest := null;
    v_enrolled_at := null;
    v_ends_at := null;
    v_is_for_life := false;
    for v_grant in
      select g.*
        from public.enrollment_grants as g
       where g.enrollment_id = v_enrollment.id and private.is_live_grant(g)
       order by g.granted_at, g.id
    loop
      v_newest := v_grant;
      v_enrolled_at := coalesce(v_enrolled_at, v_grant.granted_at);
      select greatest(v_grant.granted_at, c.starts_at) into v_begins_at
        from (select) as one
        left join public.cohorts as c on c.id = v_grant.cohort_id;
      v_is_for_life := v_is_for_life or v_grant.access_days is null;
      v_ends_at := greatest(v_ends_at, v_begins_at) + make_interval(days => coalesce(v_grant.access_days, 0));
    end loop;
    if v_newest.id is null then
      update public.enrollments as e
         set withdrawn_at = v_now
       where e.id = v_enrollment.id and e.withdrawn_at is null;
    else
      update public.enrollments as e
         set source = v_newest.source,
             amount_paid = v_newest.amount,
             currency = v_newest.currency,
             payment_id = v_newest.payment_id,
             order_id = v_newest.order_id,
             cohort_id = v_newest.cohort_id,
             enrolled_at = v_enrolled_at,
             expires_at = case when not v_is_for_life then v_ends_at end,
             reminded_at = case when not v_is_for_life and e.expires_at = v_ends_at then e.reminded_at end,
             withdrawn_at = null
       where e.id = v_enrollment.id;
    end if;
  end loop;
  update public.course_certificates as c
     set withdrawn_at = case when r.is_left then null else coalesce(c.withdrawn_at, v_now) end
    from (
      select
        a.tier is not null or exists (
          select
            from public.enrollments as e
           where e.user_id = p_user_id and e.course_id = p_course_id and e.withdrawn_at is null
        ) as is_left
        from public.courses as k
        cross join lateral private.course_access(p_user_id, k) as a
       where k.id = p_course_id
    ) as r
   where c.user_id = p_user_id and c.course_id = p_course_id and (c.withdrawn_at is null) is distinct from r.is_left;
end
$$;

revoke all on function private.refresh_enrollments from public, anon, authenticated, service_role;
comment on function private.refresh_enrollments is 'Derives a learners tiers of a course from their grants';

-- Creates a course (p_version null) or changes it. p_values: the columns that change, as JSON. p_version: the version that the
-- editor has read; if it was changed since, nothing is written. p_is_load: the values are those of the course's files.
--
-- Concurrency: the course is locked, so of two editors with one version the second gets changed.
-- Locks: course.
-- Returns: jsonb
--   outcome: 'created' | 'saved'
--     | 'unchanged'        (it has these values)
--     | 'changed'          (its version is another one)
--     | 'exists'           (p_version is null, and there is a course with this slug)
--     | 'none'             (no such course)
--   id?: bigint
--   version?: int          (as it is now)
-- Errors: W0003 a value is invalid.
create or replace function private.write_course(
  p_slug text, p_values jsonb, p_version integer, p_is_load boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_new public.courses;
  v_outcome text := 'saved';
begin
  if jsonb_typeof(p_values) is distinct from 'object' or exists (
    select
      from jsonb_object_keys(p_values) as k (key)
     where k.key not in (
       'slug', 'position', 'is_published', 'texts', 'author_id', 'shows_learner_count', 'plan_tier', 'next_step',
       'next_product_key'
     )
  ) then
    raise exception 'a value of the course % is invalid: unknown column', p_slug using errcode = 'W0003';
  end if;
  select c.* into v_course from public.courses as c where c.slug = p_slug for no key update;
  if v_course.id is null and p_version is null then
    v_outcome := 'created';
    insert into public.courses as c (slug, texts)
    values (p_slug, p_values -> 'texts')
    on conflict (slug) do nothing
    returning c.* into v_course;
    if v_course.id is null then  -- created at this moment
      select c.* into v_course from public.courses as c where c.slug = p_slug for no key update;
      v_outcome := 'exists';
    end if;
  else
    v_outcome := case
      when v_course.id is null then 'none'
      when p_version is null then 'exists'
      when v_course.version <> p_version then 'changed'
      else 'saved'
    end;
  end if;
  if v_outcome in ('created', 'saved') then
    v_new := jsonb_populate_record(v_course, p_values);
    if v_outcome = 'saved' and v_new is not distinct from v_course and (not p_is_load or v_course.loaded_version = v_course.version)
    then
      v_outcome := 'unchanged';
    elsif v_new.next_product_key is not null and not exists (select from public.products as p where p.key = v_new.next_product_key)
    then
      raise exception 'a value of the course % is invalid: there is no product %', p_slug, v_new.next_product_key using errcode = 'W0003';
    else
      v_new.version := case v_outcome when 'saved' then v_course.version + 1 else v_course.version end;
      update public.courses as c
         set slug = v_new.slug,
             position = v_new.position,
             is_published = v_new.is_published,
             texts = v_new.texts,
             author_id = v_new.author_id,
             shows_learner_count = v_new.shows_learner_count,
             plan_tier = v_new.plan_tier,
             next_step = v_new.next_step,
             next_product_key = v_new.next_product_key,
             version = v_new.version,
             loaded_version = case when p_is_load then v_new.version else c.loaded_version end,
             updated_at = private.clock()
       where c.id = v_course.id
      returning c.* into v_course;
    end if;
  end if;
  return jsonb_strip_nulls(
    jsonb_build_object('outcome', v_outcome, 'id', v_course.id, 'version', v_course.version)
  );
exception
  when check_violation or not_null_violation or foreign_key_violation or unique_violation or data_exception then
    raise exception 'a value of the course % is invalid: %', p_slug, sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function private.write_course from public, anon, authenticated, service_role;
comment on function private.write_course is 'Creates or changes a course';

-- Creates a lesson of a course (p_version null) or changes it. p_values: the columns that change, as JSON. p_version: the version
-- that the editor has read; if it was changed since, nothing is written. p_is_load: the values are those of the lesson's files.
--
-- Concurrency: the course is locked, so of two editors with one version the second gets changed.
-- Locks: course, lesson.
-- Returns: jsonb
--   outcome: 'created' | 'saved'
--     | 'unchanged'        (it has these values)
--     | 'changed'          (its version is another one)
--     | 'exists'           (p_version is null, and there is a lesson with this slug)
--     | 'none'             (no such course or lesson)
--   id?: bigint
--   version?: int          (as it is now)
-- Errors: W0003 a value is invalid.
create or replace function private.write_lesson(
  p_course_slug text, p_slug text, p_values jsonb, p_version integer, p_is_load boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course_id bigint;
  v_lesson public.lessons;
  v_new public.lessons;
  v_outcome text;
begin
  if jsonb_typeof(p_values) is distinct from 'object' or exists (
    select
      from jsonb_object_keys(p_values) as k (key)
     where k.key not in (
       'slug', 'position', 'is_published', 'tier', 'is_preview', 'is_required', 'texts', 'duration_seconds', 'video', 'files',
       'quiz', 'homework', 'homework_tier', 'completion', 'watch_percent', 'release', 'release_days', 'release_at'
     )
  ) then
    raise exception 'a value of the lesson % is invalid: unknown column', p_slug using errcode = 'W0003';
  elsif coalesce(jsonb_typeof(p_values -> 'quiz'), 'null') <> 'null' and not coalesce(private.is_quiz(p_values -> 'quiz'), false) then
    raise exception 'a value of the lesson % is invalid: quiz', p_slug using errcode = 'W0003';
  elsif p_values ? 'files' and not private.is_file_list(p_values -> 'files') then
    raise exception 'a value of the lesson % is invalid: files', p_slug using errcode = 'W0003';
  end if;
  select c.id into v_course_id from public.courses as c where c.slug = p_course_slug for no key update;
  select l.* into v_lesson
    from public.lessons as l
   where l.course_id = v_course_id and l.slug = p_slug
     for no key update;
  v_outcome := case
    when v_course_id is null then 'none'
    when v_lesson.id is null and p_version is null then 'created'
    when v_lesson.id is null then 'none'
    when p_version is null then 'exists'
    when v_lesson.version <> p_version then 'changed'
    else 'saved'
  end;
  if v_outcome in ('created', 'saved') then
    if v_outcome = 'created' then
      insert into public.lessons as l (course_id, slug, position, texts)
      values (
        v_course_id,
        p_slug,
        coalesce((select max(o.position) + 10 from public.lessons as o where o.course_id = v_course_id), 10),
        p_values -> 'texts'
      )
      returning l.* into v_lesson;
    end if;
    v_new := jsonb_populate_record(v_lesson, p_values);
    -- JSON's null is none.
    v_new.video := nullif(v_new.video, 'null');
    v_new.quiz := nullif(v_new.quiz, 'null');
    v_new.homework := nullif(v_new.homework, 'null');
    -- A date that programs cannot read would break the pages of the lesson.
    if v_new.release_at not between '2000-01-01' and '2200-01-01' then
      raise exception 'a value of the lesson % is invalid: release_at', p_slug using errcode = 'W0003';
    end if;
    if v_outcome = 'saved' and v_new is not distinct from v_lesson and (not p_is_load or v_lesson.loaded_version = v_lesson.version)
    then
      v_outcome := 'unchanged';
    else
      v_new.version := case v_outcome when 'saved' then v_lesson.version + 1 else v_lesson.version end;
      update public.lessons as l
         set slug = v_new.slug,
             position = v_new.position,
             is_published = v_new.is_published,
             tier = v_new.tier,
             is_preview = v_new.is_preview,
             is_required = v_new.is_required,
             texts = v_new.texts,
             duration_seconds = v_new.duration_seconds,
             video = v_new.video,
             files = v_new.files,
             quiz = v_new.quiz,
             homework = v_new.homework,
             homework_tier = v_new.homework_tier,
             completion = v_new.completion,
             watch_percent = v_new.watch_percent,
             release = v_new.release,
             release_days = v_new.release_days,
             release_at = v_new.release_at,
             version = v_new.version,
             loaded_version = case when p_is_load then v_new.version else l.loaded_version end,
             updated_at = private.clock()
       where l.id = v_lesson.id
      returning l.* into v_lesson;
    end if;
  end if;
  return jsonb_strip_nulls(
    jsonb_build_object('outcome', v_outcome, 'id', v_lesson.id, 'version', v_lesson.version)
  );
exception
  when check_violation or not_null_violation or foreign_key_violation or unique_violation or data_exception then
    raise exception 'a value of the lesson % is invalid: %', p_slug, sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function private.write_lesson from public, anon, authenticated, service_role;
comment on function private.write_lesson is 'Creates or changes a lesson';

-- Reverses the fulfilment of a payment in proportion to what was refunded or disputed, and restores it when a refund failed or
-- a dispute was won. Credits, balance and plan time never become negative: what the user no longer had is not reversed, and not
-- restored either. For an erased user only the target is updated.
--
-- Concurrency: the caller holds the payment's lock. The quantity to reverse is stored (payment_effects.reversal_target), so
--   that the same sums change nothing again.
-- Locks: users of the effects by id (NO KEY UPDATE), effects.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.reverse_fulfilment(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share numeric := least(
    1, coalesce((p_payment.refunded + p_payment.disputed) / nullif(p_payment.amount, 0), 0)
  );
  v_effect public.payment_effects;
  v_target numeric;
  v_reversed numeric;
  v_has_changed boolean := false;
begin
  perform from public.users as u
    where u.id in (select e.user_id from public.payment_effects as e where e.payment_id = p_payment.id)
    order by u.id
      for no key update;
  for v_effect in
    select e.* from public.payment_effects as e where e.payment_id = p_payment.id order by e.effect
  loop
    v_target := case
      when v_share = 1 then v_effect.given
      when v_effect.effect in ('balance', 'commission') then round(v_effect.given * v_share, 2)
      when v_effect.effect = 'course' then 0
      else floor(v_effect.given * v_share)
    end;
    if v_effect.user_id is null then
      v_target := greatest(v_target, v_effect.reversed);  -- an erased user's reversal is not restored
    end if;
    continue when v_target = v_effect.reversal_target;
    v_has_changed := true;
    if v_target > v_effect.reversal_target then
      v_reversed := v_effect.reversed + private.adjust_effect(p_payment, v_effect, v_effect.reversal_target - v_target);
    else
      v_reversed := least(v_effect.reversed, v_target);
      perform private.adjust_effect(p_payment, v_effect, v_effect.reversed - v_reversed);
    end if;
    update public.payment_effects as e
       set reversal_target = v_target, reversed = v_reversed, adjustments = e.adjustments + 1
     where e.payment_id = v_effect.payment_id and e.effect = v_effect.effect;
  end loop;
  if v_share < 1 and p_payment.refunded + p_payment.disputed > p_before.refunded + p_before.disputed then
    perform private.alarm_upgraded_refund(p_payment);  -- delivered by the sweep
  end if;
  -- The buyer is notified of every refund, also of one too small to reverse anything.
  if not v_has_changed and p_payment.refunded + p_payment.disputed = p_before.refunded + p_before.disputed then
    return '[]'::jsonb;
  end if;
  return private.notify_refund(p_payment, p_before);
end
$$;

revoke all on function private.reverse_fulfilment from public, anon, authenticated, service_role;
comment on function private.reverse_fulfilment is 'Reverses or restores the fulfilment of a payment';
