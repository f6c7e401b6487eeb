-- Course administration.

-- Returns a learner of a course with their progress, for admins.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   user_id: bigint
--   telegram_id: bigint
--   name: text
--   username: text | null
--   enrollments: [ {
--     id: bigint
--     tier: 'basic' | 'accelerator' | 'vip'
--     source: 'purchase' | 'manual' | 'upgrade'
--     amount_paid: numeric
--     currency: text | null
--     payment_id: bigint | null
--     cohort: text | null                      (key)
--     enrolled_at: timestamptz
--     expires_at: timestamptz | null
--     withdrawn_at: timestamptz | null
--   } ]
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
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'id', e.id, 'tier', e.tier, 'source', e.source, 'amount_paid', e.amount_paid::text, 'currency', e.currency,
                'payment_id', e.payment_id, 'cohort', h.key, 'enrolled_at', e.enrolled_at, 'expires_at', e.expires_at,
                'withdrawn_at', e.withdrawn_at
              )
              order by private.tier_rank(e.tier) desc
            ),
            '[]'
          )
          from public.enrollments as e
          left join public.cohorts as h on h.id = e.cohort_id
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

-- Gives a learner a tier of a course in an admin's name, for life or for some days. p_amount and p_currency: what the learner paid
-- outside, which lowers the price of an upgrade. The learner gets one message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the first.
-- Locks: user (NO KEY UPDATE), then as private.grant_tier.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   enrollment_id: bigint
--   expires_at: timestamptz | null
--   id: bigint             (the audit entry)
--   outgoing: outgoing     (the message to the learner, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or course; N0004 the course,
--   the cohort, the days, the amount or the reason is invalid.
create or replace function public.admin_enroll(
  p_user_id bigint,
  p_slug text,
  p_tier text,
  p_admin_email text,
  p_reference text default null,
  p_days integer default null,
  p_cohort_key text default null,
  p_amount numeric default 0,
  p_currency text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_reason constant text := nullif(trim(p_reason), '');
  v_course public.courses;
  v_grant public.enrollment_grants;
  v_user public.users;
  v_known public.audit_log;
  v_enrollment public.enrollments;
  v_id bigint;
begin
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  select h.id into v_grant.cohort_id from public.cohorts as h where h.course_id = v_course.id and h.key = p_cohort_key;
  if v_course.id is null or private.tier_rank(p_tier) = 0 or p_days <= 0 or p_days > 36500
    or (p_cohort_key is not null and v_grant.cohort_id is null)
    or coalesce(p_amount, 0) < 0 or (p_amount > 0 and coalesce(p_currency, '') !~ '^[A-Z]{3,5}$')
    or length(v_reason) > 500
  then
    raise exception 'the enrollment is invalid' using errcode = 'N0004';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'enroll', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'course', v_known.after ->> 'tier') is distinct from (p_slug, p_tier) then
      raise exception 'the reference was used with another course' using errcode = 'N0003';
    end if;
    select e.* into v_enrollment from public.enrollments as e where e.id = (v_known.after ->> 'enrollment_id')::bigint;
    return jsonb_build_object(
      'applied', false, 'enrollment_id', v_enrollment.id, 'expires_at', v_enrollment.expires_at, 'id', v_known.id,
      'outgoing', '[]'::jsonb
    );
  end if;
  v_grant.source := 'manual';
  v_grant.access_days := p_days;
  v_grant.amount := coalesce(p_amount, 0);
  v_grant.currency := case when p_amount > 0 then p_currency end;
  v_enrollment.id := private.grant_tier(p_user_id, v_course.id, p_tier, v_grant);
  select e.* into v_enrollment from public.enrollments as e where e.id = v_enrollment.id;
  v_id := private.write_audit(
    v_email, 'enroll', p_user_id, p_reference, '{}',
    jsonb_strip_nulls(
      jsonb_build_object(
        'course', p_slug, 'tier', p_tier, 'enrollment_id', v_enrollment.id, 'days', p_days, 'cohort', p_cohort_key,
        'amount', nullif(v_grant.amount, 0), 'currency', v_grant.currency, 'reason', v_reason
      )
    )
  );
  return jsonb_build_object(
    'applied', true,
    'enrollment_id', v_enrollment.id,
    'expires_at', v_enrollment.expires_at,
    'id', v_id,
    'outgoing', private.enqueue_user_message(
      p_user_id,
      private.reachable_bot(v_user.id, v_user.telegram_id, null),
      'course_given',
      jsonb_build_object('title', private.text_titles(v_course.texts))
    )
  );
end
$$;

revoke all on function public.admin_enroll from public, anon, authenticated, service_role;
grant execute on function public.admin_enroll to bot_backend;
comment on function public.admin_enroll is 'Gives a learner a tier of a course in an admins name';

-- Returns the learners of a course with each lesson's progress for an admin's export, in parts by users.id.
--
-- Concurrency: read-only; each part is of its own moment.
-- Locks: none.
-- Returns: jsonb
--   {
--     rows: [ {
--       ...private.learner_row
--       by_lesson: { [text]: { completed_at: timestamptz | null, time_spent_seconds: int, watched_seconds: int, best_right: int | null } }
--                          (by slug, the lessons that the learner has opened)
--     } ]
--     next: bigint | null  (p_after of the next part; null: this is the last one)
--   } | null               (no such course)
-- Errors: N0001 not an admin.
create or replace function public.admin_export_learners(
  p_slug text, p_admin_email text, p_after bigint default 0, p_limit integer default 500
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  if not found then
    return null;
  end if;
  v_ids := array(
    select distinct e.user_id
      from public.enrollments as e
     where e.course_id = v_course.id and e.user_id > p_after
     order by e.user_id
     limit least(greatest(p_limit, 1), 1000)
  );
  return jsonb_build_object(
    'rows', (
      select coalesce(
          jsonb_agg(
            private.learner_row(i.user_id, v_course) || jsonb_build_object(
              'by_lesson', (
                select coalesce(
                    jsonb_object_agg(
                      l.slug,
                      jsonb_build_object(
                        'completed_at', p.completed_at,
                        'time_spent_seconds', p.time_spent_seconds,
                        'watched_seconds', p.watched_seconds,
                        'best_right', (
                          select max(a.right_answers)
                            from public.lesson_quiz_attempts as a
                           where a.user_id = p.user_id and a.lesson_id = l.id
                        )
                      )
                    ),
                    '{}'
                  )
                  from public.lessons as l
                  join public.lesson_progress as p on p.lesson_id = l.id and p.user_id = i.user_id
                 where l.course_id = v_course.id
              )
            )
            order by i.user_id
          ),
          '[]'
        )
        from unnest(v_ids) as i (user_id)
    ),
    'next', case
      when exists (
        select from public.enrollments as e where e.course_id = v_course.id and e.user_id > v_ids[cardinality(v_ids)]
      ) then v_ids[cardinality(v_ids)]
    end
  );
end
$$;

revoke all on function public.admin_export_learners from public, anon, authenticated, service_role;
grant execute on function public.admin_export_learners to bot_backend;
comment on function public.admin_export_learners is 'Returns all learners of a course with their lessons, in parts';

-- Returns a course with its lessons, cohorts and offers for an editor, with the versions that saving asks for.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     course: jsonb        (all columns of courses)
--     lessons: [ jsonb ]   (all columns of lessons, in their order)
--     cohorts: [ jsonb ]   (all columns of cohorts, by their beginning)
--     offers: [ jsonb ]    (all columns of course_offers)
--   } | null               (no such course)
-- Errors: N0001 not an admin.
create or replace function public.admin_get_course(p_slug text, p_admin_email text)
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
        'course', to_jsonb(c),
        'lessons', (
          select coalesce(jsonb_agg(to_jsonb(l) order by l.position, l.id), '[]')
            from public.lessons as l
           where l.course_id = c.id
        ),
        'cohorts', (
          select coalesce(jsonb_agg(to_jsonb(h) order by h.starts_at, h.id), '[]')
            from public.cohorts as h
           where h.course_id = c.id
        ),
        'offers', (
          select coalesce(jsonb_agg(to_jsonb(f) order by private.tier_rank(f.tier), f.product_key), '[]')
            from public.course_offers as f
           where f.course_id = c.id
        )
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_get_course from public, anon, authenticated, service_role;
grant execute on function public.admin_get_course to bot_backend;
comment on function public.admin_get_course is 'A course with all its columns for an editor';

-- Lists homework in a state for an admin: what waits for review the oldest first, else the newest first. p_after: the id of the last
-- one of the page before.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   waiting: bigint        (submissions under review in all courses)
--   submissions: [ {
--     id: bigint
--     user_id: bigint
--     name: text
--     username: text | null
--     course: text                             (slug)
--     lesson: text                             (slug)
--     titles: { [text]: text }                 (of the lesson)
--     homework: { [text]: text } | null
--     n: int
--     text: text
--     file: text | null                        (key in the bucket media)
--     state: 'submitted' | 'returned' | 'accepted'
--     comment: text | null
--     created_at: timestamptz
--     reviewed_at: timestamptz | null
--   } ]
-- Errors: N0001 not an admin.
create or replace function public.admin_list_homework(
  p_admin_email text, p_state text default 'submitted', p_after bigint default null, p_limit integer default 20
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return jsonb_build_object(
    'waiting', (select count(*) from public.homework_submissions as h where h.state = 'submitted'),
    'submissions', (
      select coalesce(jsonb_agg(r.row order by r.place), '[]')
        from (
          select
            row_number() over (order by case when p_state = 'submitted' then h.id else -h.id end) as place,
            jsonb_build_object(
              'id', h.id,
              'user_id', h.user_id,
              'name', concat_ws(' ', u.first_name, u.last_name),
              'username', u.username,
              'course', c.slug,
              'lesson', l.slug,
              'titles', private.text_titles(l.texts),
              'homework', l.homework,
              'n', h.n,
              'text', h.text,
              'file', f.key,
              'state', h.state,
              'comment', h.comment,
              'created_at', h.created_at,
              'reviewed_at', h.reviewed_at
            ) as row
            from public.homework_submissions as h
            join public.users as u on u.id = h.user_id
            join public.lessons as l on l.id = h.lesson_id
            join public.courses as c on c.id = l.course_id
            left join public.stored_files as f on f.id = h.file_id
           where h.state = p_state
             and case when p_state = 'submitted' then h.id > coalesce(p_after, 0) else h.id < coalesce(p_after, h.id + 1) end
           order by case when p_state = 'submitted' then h.id else -h.id end
           limit least(greatest(p_limit, 1), 100)
        ) as r
    )
  );
end
$$;

revoke all on function public.admin_list_homework from public, anon, authenticated, service_role;
grant execute on function public.admin_list_homework to bot_backend;
comment on function public.admin_list_homework is 'Lists homework for the reviewers';

-- Lists the learners of a course with their progress for an admin, those who were enrolled last first; also those whose
-- enrollments are withdrawn or over.
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
  p_slug text, p_admin_email text, p_page integer default 1, p_size integer default 20
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
begin
  perform private.require_admin(p_admin_email);
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  if not found then
    return null;
  end if;
  select count(distinct e.user_id) into v_total from public.enrollments as e where e.course_id = v_course.id;
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

-- Accepts a learner's homework, or returns it with a comment, in an admin's name. The learner gets a message.
--
-- Concurrency: the submission is locked; of two reviews the first counts.
-- Locks: submission.
-- Returns: jsonb
--   {
--     outcome: 'reviewed'
--       | 'known'          (reviewed before)
--     state: 'returned' | 'accepted'
--     outgoing: outgoing   (the message to the learner, sent once)
--   } | null               (no such submission)
-- Errors: N0001 not an admin; N0004 the comment is missing (returned) or longer than 10,000 characters.
create or replace function public.admin_review_homework(
  p_submission_id bigint, p_is_accepted boolean, p_comment text, p_admin_email text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_comment constant text := nullif(btrim(p_comment, E' \t\r\n'), '');
  v_submission public.homework_submissions;
  v_user public.users;
  v_titles jsonb;
begin
  if length(v_comment) > 10000 or (not p_is_accepted and v_comment is null) then
    raise exception 'a returned homework needs a comment of at most 10000 characters' using errcode = 'N0004';
  end if;
  select h.* into v_submission from public.homework_submissions as h where h.id = p_submission_id for update;
  if not found then
    return null;
  elsif v_submission.state <> 'submitted' then
    return jsonb_build_object('outcome', 'known', 'state', v_submission.state, 'outgoing', '[]'::jsonb);
  end if;
  update public.homework_submissions as h
     set state = case when p_is_accepted then 'accepted' else 'returned' end,
         comment = v_comment,
         reviewer_email = v_email,
         reviewed_at = private.clock()
   where h.id = p_submission_id
  returning h.* into v_submission;
  select u.* into v_user
    from public.users as u
   where u.id = v_submission.user_id and u.banned_at is null and u.is_active;
  select private.text_titles(l.texts) into v_titles from public.lessons as l where l.id = v_submission.lesson_id;
  return jsonb_build_object(
    'outcome', 'reviewed',
    'state', v_submission.state,
    'outgoing', private.enqueue_user_message(
      v_user.id,
      private.reachable_bot(v_user.id, v_user.telegram_id, null),
      case when p_is_accepted then 'homework_accepted' else 'homework_returned' end,
      jsonb_build_object('lesson', v_titles)
    )
  );
end
$$;

revoke all on function public.admin_review_homework from public, anon, authenticated, service_role;
grant execute on function public.admin_review_homework to bot_backend;
comment on function public.admin_review_homework is 'Accepts or returns homework in an admins name';

-- Creates or changes a cohort of a course in an admin's name. Its learners get their lessons by the new beginning from now on; what
-- they have opened stays open.
--
-- Concurrency: the row is created or changed in one statement. The ends of timed access follow at the next change of a grant.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'none', id?: bigint }   (none: no such course)
-- Errors: N0001 not an admin; W0003 a value is invalid.
create or replace function public.admin_save_cohort(
  p_slug text, p_key text, p_starts_at timestamptz, p_admin_email text, p_enrolls_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_before jsonb;
  v_cohort public.cohorts;
begin
  select to_jsonb(h) into v_before
    from public.cohorts as h
    join public.courses as c on c.id = h.course_id
   where c.slug = p_slug and h.key = p_key;
  insert into public.cohorts as h (course_id, key, starts_at, enrolls_until)
  select c.id, p_key, p_starts_at, p_enrolls_until from public.courses as c where c.slug = p_slug
  on conflict (course_id, key) do update set starts_at = excluded.starts_at, enrolls_until = excluded.enrolls_until
  returning h.* into v_cohort;
  if v_cohort.id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  perform private.write_audit(
    v_email, 'save_cohort', null, null, coalesce(v_before, '{}'), to_jsonb(v_cohort) || jsonb_build_object('course', p_slug)
  );
  return jsonb_build_object('outcome', 'saved', 'id', v_cohort.id);
exception when check_violation or not_null_violation then
  raise exception 'a value of the cohort is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_save_cohort from public, anon, authenticated, service_role;
grant execute on function public.admin_save_cohort to bot_backend;
comment on function public.admin_save_cohort is 'Creates or changes a cohort in an admins name';

-- Creates or changes a course in an admin's name (private.save_course), and writes to the audit log which columns were changed.
--
-- Concurrency: see private.save_course.
-- Locks: as private.save_course.
-- Returns: jsonb
--   ...private.save_course
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
  v_saved constant jsonb := private.save_course(p_slug, p_values, p_version);
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

-- Says in an admin's name what a product of the kind course gives: a tier of a course, for life or for some days. Orders that were
-- made before keep their terms.
--
-- Concurrency: the row is created or changed in one statement.
-- Locks: offer.
-- Returns: jsonb
--   { outcome: 'saved' | 'none' }   (none: no such course, product of the kind course, or cohort)
-- Errors: N0001 not an admin; W0003 a value is invalid.
create or replace function public.admin_save_course_offer(
  p_product_key text, p_slug text, p_tier text, p_admin_email text,
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
  v_before jsonb;
  v_offer public.course_offers;
begin
  select to_jsonb(f) into v_before from public.course_offers as f where f.product_key = p_product_key;
  insert into public.course_offers as f (product_key, course_id, tier, cohort_id, access_days)
  select p.key, c.id, p_tier, h.id, p_access_days
    from public.products as p
    join public.courses as c on c.slug = p_slug
    left join public.cohorts as h on h.course_id = c.id and h.key = p_cohort_key
   where p.key = p_product_key and p.kind = 'course' and (h.id is not null or p_cohort_key is null)
  on conflict (product_key) do update
    set course_id = excluded.course_id,
        tier = excluded.tier,
        cohort_id = excluded.cohort_id,
        access_days = excluded.access_days
  returning f.* into v_offer;
  if v_offer.product_key is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  perform private.write_audit(
    v_email, 'save_course_offer', null, null, coalesce(v_before, '{}'), to_jsonb(v_offer)
  );
  return '{"outcome": "saved"}'::jsonb;
exception when check_violation or not_null_violation then
  raise exception 'a value of the offer is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_save_course_offer from public, anon, authenticated, service_role;
grant execute on function public.admin_save_course_offer to bot_backend;
comment on function public.admin_save_course_offer is 'Says in an admins name what a product gives of a course';

-- Creates or changes a lesson in an admin's name (private.save_lesson), and writes to the audit log which columns were changed.
--
-- Concurrency: see private.save_lesson.
-- Locks: as private.save_lesson.
-- Returns: jsonb
--   ...private.save_lesson
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
  v_saved constant jsonb := private.save_lesson(p_course_slug, p_slug, p_values, p_version);
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

-- Takes a tier of a course from a learner in an admin's name, for good: a dispute that is won later does not restore it. Nothing is
-- refunded (admin_refund_payment). Upgrades from this tier that were cheaper because of it are withdrawn with it. The learner gets
-- no message.
--
-- Concurrency: the user's row is locked. A repeated call changes nothing.
-- Locks: user (NO KEY UPDATE), grants, then as private.refresh_enrollments.
-- Returns: jsonb
--   {
--     applied: boolean     (false: it was withdrawn already)
--     id: bigint | null    (the audit entry)
--   } | null               (no such enrollment)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or user; N0004 the reason is too long.
create or replace function public.admin_withdraw_enrollment(
  p_enrollment_id bigint, p_admin_email text, p_reference text default null, p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_reason constant text := nullif(trim(p_reason), '');
  v_enrollment public.enrollments;
  v_known public.audit_log;
  v_id bigint;
begin
  if length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select e.* into v_enrollment from public.enrollments as e where e.id = p_enrollment_id;
  perform from public.users as u where u.id = v_enrollment.user_id for no key update;
  if not found then
    return null;
  end if;
  v_known := private.find_audit_entry(p_reference, 'withdraw_enrollment', v_enrollment.user_id);
  select e.* into v_enrollment from public.enrollments as e where e.id = p_enrollment_id;
  if v_known.id is null and v_enrollment.withdrawn_at is null then
    update public.enrollment_grants as g
       set withdrawn_at = private.clock(), withdrawn_for = 'admin'
     where g.enrollment_id = p_enrollment_id and g.withdrawn_at is null;
    perform private.refresh_enrollments(v_enrollment.user_id, v_enrollment.course_id);
    v_id := private.write_audit(
      v_email, 'withdraw_enrollment', v_enrollment.user_id, p_reference,
      jsonb_build_object('enrollment_id', p_enrollment_id, 'tier', v_enrollment.tier),
      jsonb_strip_nulls(
        jsonb_build_object(
          'enrollment_id', p_enrollment_id,
          'course', (select c.slug from public.courses as c where c.id = v_enrollment.course_id),
          'reason', v_reason
        )
      )
    );
  end if;
  return jsonb_build_object('applied', v_id is not null, 'id', coalesce(v_id, v_known.id));
end
$$;

revoke all on function public.admin_withdraw_enrollment from public, anon, authenticated, service_role;
grant execute on function public.admin_withdraw_enrollment to bot_backend;
comment on function public.admin_withdraw_enrollment is 'Takes a tier of a course from a learner in an admins name';

-- Reminds learners three days before their access to a course ends, once; at most p_limit. Left out: those who have the same or a
-- higher tier for longer, are banned or blocked the bot.
--
-- Concurrency: the enrollment is locked, skipped by other runs, and marked in the transaction that enqueues its message. Access
--   that is bought again is reminded of again.
-- Locks: enrollments (FOR UPDATE SKIP LOCKED), by expires_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_course_endings(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select e.id, e.user_id, e.expires_at, private.text_titles(c.texts) as titles,
           case when u.banned_at is null and u.is_active then private.reachable_bot(u.id, u.telegram_id, null) end as bot,
           exists (
             select
               from public.enrollments as f
              where f.user_id = e.user_id
                and f.course_id = e.course_id
                and f.withdrawn_at is null
                and f.id <> e.id
                and private.tier_rank(f.tier) >= private.tier_rank(e.tier)
                and coalesce(f.expires_at > e.expires_at, true)
           ) as is_covered
      from public.enrollments as e
      join public.courses as c on c.id = e.course_id
      join public.users as u on u.id = e.user_id
     where e.expires_at between v_now and v_now + interval '3 days'
       and e.withdrawn_at is null
       and e.reminded_at is null
     order by e.expires_at, e.id
     limit p_limit
       for update of e skip locked
  loop
    v_checked := v_checked + 1;
    update public.enrollments as e set reminded_at = v_now where e.id = v_due.id;
    if not v_due.is_covered then
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_due.user_id,
        v_due.bot,
        'course_ends',
        jsonb_build_object('title', v_due.titles, 'until', jsonb_build_object('date', v_due.expires_at))
      );
    end if;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_course_endings from public, anon, authenticated, service_role;
grant execute on function public.enqueue_course_endings to bot_backend;
comment on function public.enqueue_course_endings is 'Reminds learners whose access to a course ends';

-- Reminds learners who have been away for three days, and once more after seven, at most p_limit; between 10 and 20 o'clock of
-- their time zone. Left out: those who switched reminders off, completed the course, have no access, are banned or blocked the
-- bot, and who have been away for more than two weeks.
--
-- Concurrency: the progress is locked, skipped by other runs, and counted in the transaction that enqueues its message.
-- Locks: progress in courses (FOR UPDATE SKIP LOCKED), by last_active_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_course_reminders(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_bot text;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select p.user_id, c as course, u.telegram_id, u.banned_at is null and u.is_active as is_reachable
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
      join public.users as u on u.id = p.user_id
     where p.completed_at is null
       and p.wants_reminders
       and p.reminders < 2
       and p.last_active_at between v_now - interval '14 days' and v_now - interval '3 days'
       and (p.reminders = 0 or p.last_active_at <= v_now - interval '7 days')
       and extract(hour from v_now at time zone private.reminder_time_zone(p.user_id)) between 10 and 19
     order by p.last_active_at, p.user_id
     limit p_limit
       for update of p skip locked
  loop
    v_checked := v_checked + 1;
    update public.course_progress as p
       set reminders = case when p.last_active_at <= v_now - interval '7 days' then 2 else 1 end
     where p.user_id = v_due.user_id and p.course_id = (v_due.course).id;
    v_bot := case when v_due.is_reachable then private.reachable_bot(v_due.user_id, v_due.telegram_id, null) end;
    if v_bot is not null
      and (v_due.course).is_published
      and exists (select from private.course_access(v_due.user_id, v_due.course) as a where a.tier is not null)
    then
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_due.user_id,
        v_bot,
        'course_idle',
        jsonb_build_object('title', private.text_titles((v_due.course).texts)),
        jsonb_build_array(
          jsonb_build_array(
            jsonb_build_object('key', 'course_continue', 'data', format('course:open:%s', (v_due.course).id))
          ),
          jsonb_build_array(
            jsonb_build_object('key', 'course_reminders_off', 'data', format('course:quiet:%s', (v_due.course).id))
          )
        )
      );
    end if;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_course_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_course_reminders to bot_backend;
comment on function public.enqueue_course_reminders is 'Reminds idle learners of their course';

-- Returns a course's certificate by its code. Everyone with the code may see it: it is unguessable and stands on the certificate. Of
-- a withdrawn one only the state is returned.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     state: 'valid' | 'withdrawn'             (withdrawn: without the other keys)
--     code?: text
--     name?: text
--     course?: text                            (slug)
--     titles?: { [text]: text }                (of the course, by language)
--     issued_at?: timestamptz
--     completed_at?: timestamptz | null
--   } | null               (no such certificate)
-- Errors: none.
create or replace function public.find_course_certificate(p_code text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select case
      when c.withdrawn_at is not null then '{"state": "withdrawn"}'
      else jsonb_build_object(
        'state', 'valid',
        'code', c.code,
        'name', c.name,
        'course', k.slug,
        'titles', private.text_titles(k.texts),
        'issued_at', c.issued_at,
        'completed_at', p.completed_at
      )
    end
    from public.course_certificates as c
    join public.courses as k on k.id = c.course_id
    left join public.course_progress as p on p.user_id = c.user_id and p.course_id = c.course_id
   where c.code = p_code;
$$;

revoke all on function public.find_course_certificate from public, anon, authenticated, service_role;
grant execute on function public.find_course_certificate to bot_backend;
comment on function public.find_course_certificate is 'Returns a courses certificate by its code';

-- Returns whether JSON is the quiz of a lesson (lessons.quiz): 1 to 100 questions, each with a question and 2 to 20 options in every
-- language that it has, the same number in each, and at least one right option that exists.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_quiz(p_quiz jsonb)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
      when jsonb_typeof(p_quiz -> 'questions') is distinct from 'array' then false
      when jsonb_array_length(p_quiz -> 'questions') not between 1 and 100 then false
      when coalesce(p_quiz ->> 'pass_percent', '80') !~ '^([1-9][0-9]?|100)$' then false
      when coalesce(p_quiz ->> 'attempts', '1') !~ '^[1-9][0-9]{0,2}$' then false
      else (
        select bool_and(
            case
              when jsonb_typeof(q.value -> 'texts') is distinct from 'object' or q.value -> 'texts' = '{}' then false
              when jsonb_typeof(q.value -> 'correct') is distinct from 'array' then false
              else (
                select bool_and(
                    coalesce(t.value ->> 'question', '') <> ''
                    and coalesce(jsonb_typeof(t.value -> 'options') = 'array', false)
                    and jsonb_path_exists(
                      t.value,
                      'lax $ ? ($.options.size() >= 2 && $.options.size() <= 20 && $.options.size() == $n)',
                      jsonb_build_object('n', jsonb_array_length(jsonb_path_query_first(q.value, 'lax $.texts.*.options')))
                    )
                    and not jsonb_path_exists(
                      q.value,
                      'lax $.correct[*] ? (@.type() != "number" || @ < 0 || @ >= $n || @.floor() != @)',
                      jsonb_build_object('n', jsonb_array_length(jsonb_path_query_first(q.value, 'lax $.texts.*.options')))
                    )
                    and jsonb_array_length(q.value -> 'correct') >= 1
                  )
                  from jsonb_each(q.value -> 'texts') as t
              )
            end
          )
          from jsonb_array_elements(p_quiz -> 'questions') as q (value)
      )
    end;
$$;

revoke all on function private.is_quiz from public, anon, authenticated, service_role;
comment on function private.is_quiz is 'Whether JSON is the quiz of a lesson';

-- Issues the certificate of a completed course, once, with the name as the learner typed it. A later call returns it again,
-- whatever the name.
--
-- Concurrency: user and progress are locked in the order of an erasure; of calls at once one issues it.
-- Locks: user (NO KEY UPDATE), so that a refund at the same time comes before or after.
-- Returns: jsonb
--   outcome: 'issued' | 'known'
--     | 'not_completed'    (also without any access; without certificate)
--     | 'withdrawn'        (the course was refunded; without certificate)
--   certificate?: public.find_course_certificate
-- Errors: W0002 the name has no or more than 100 characters, or control characters.
create or replace function public.issue_course_certificate(p_user_id bigint, p_slug text, p_name text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := btrim(regexp_replace(p_name, '\s+', ' ', 'g'));
  v_course public.courses;
  v_certificate public.course_certificates;
  v_is_new boolean;
begin
  if coalesce(length(v_name), 0) not between 1 and 100 or v_name ~ '[[:cntrl:]]' then
    raise exception 'the name must have 1 to 100 characters' using errcode = 'W0002';
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

-- Creates a course (p_version null) or changes it. p_values: the columns that change, as JSON. p_version: the version that the
-- editor has read; if it was changed since, nothing is saved.
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
create or replace function private.save_course(p_slug text, p_values jsonb, p_version integer)
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
    raise exception 'a value of the course is invalid: unknown column' using errcode = 'W0003';
  end if;
  select c.* into v_course from public.courses as c where c.slug = p_slug for no key update;
  if v_course.id is null and p_version is null then
    v_outcome := 'created';
    insert into public.courses as c (slug, texts)
    values (p_slug, p_values -> 'texts')
    on conflict (slug) do nothing
    returning c.* into v_course;
    if v_course.id is null then  -- created at this moment
      select c.* into v_course from public.courses as c where c.slug = p_slug;
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
    if v_new is not distinct from v_course then
      v_outcome := case when v_outcome = 'saved' then 'unchanged' else v_outcome end;
    else
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
             version = case when v_outcome = 'saved' then c.version + 1 else c.version end,
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
    raise exception 'a value of the course is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function private.save_course from public, anon, authenticated, service_role;
comment on function private.save_course is 'Creates or changes a course';

-- Creates a lesson of a course (p_version null) or changes it. p_values: the columns that change, as JSON. p_version: the version
-- that the editor has read; if it was changed since, nothing is saved.
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
create or replace function private.save_lesson(p_course_slug text, p_slug text, p_values jsonb, p_version integer)
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
    raise exception 'a value of the lesson is invalid: unknown column' using errcode = 'W0003';
  elsif coalesce(jsonb_typeof(p_values -> 'quiz'), 'null') <> 'null' and not coalesce(private.is_quiz(p_values -> 'quiz'), false) then
    raise exception 'a value of the lesson is invalid: quiz' using errcode = 'W0003';
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
      v_lesson.slug := p_slug;
      v_lesson.position := coalesce(
        (select max(l.position) + 10 from public.lessons as l where l.course_id = v_course_id), 10
      );
      v_lesson.is_published := true;
      v_lesson.tier := 'basic';
      v_lesson.is_preview := false;
      v_lesson.is_required := true;
      v_lesson.files := '[]';
      v_lesson.homework_tier := 'basic';
      v_lesson.completion := 'button';
      v_lesson.watch_percent := 80;
      v_lesson.release := 'at_once';
    end if;
    v_new := jsonb_populate_record(v_lesson, p_values);
    -- JSON's null is none.
    v_new.video := nullif(v_new.video, 'null');
    v_new.quiz := nullif(v_new.quiz, 'null');
    v_new.homework := nullif(v_new.homework, 'null');
    if v_outcome = 'created' then
      insert into public.lessons as l (
        course_id, slug, position, is_published, tier, is_preview, is_required, texts, duration_seconds, video, files, quiz,
        homework, homework_tier, completion, watch_percent, release, release_days, release_at
      )
      values (
        v_course_id, v_new.slug, v_new.position, v_new.is_published, v_new.tier, v_new.is_preview, v_new.is_required,
        v_new.texts, v_new.duration_seconds, v_new.video, v_new.files, v_new.quiz, v_new.homework, v_new.homework_tier,
        v_new.completion, v_new.watch_percent, v_new.release, v_new.release_days, v_new.release_at
      )
      returning l.* into v_lesson;
    elsif v_new is not distinct from v_lesson then
      v_outcome := 'unchanged';
    else
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
             version = l.version + 1,
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
    raise exception 'a value of the lesson is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function private.save_lesson from public, anon, authenticated, service_role;
comment on function private.save_lesson is 'Creates or changes a lesson';

-- Switches the reminders that an idle learner of a course gets on or off.
--
-- Concurrency: a repeated call changes nothing. The user's lock makes an erasure wait or find the row.
-- Locks: user (KEY SHARE), progress in the course.
-- Returns: boolean, false: no such user or course.
-- Errors: none.
create or replace function public.set_course_reminders(p_user_id bigint, p_course_id bigint, p_wants boolean)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found or not exists (select from public.courses as c where c.id = p_course_id) then
    return false;
  end if;
  insert into public.course_progress (user_id, course_id, wants_reminders)
  values (p_user_id, p_course_id, p_wants)
  on conflict (user_id, course_id) do update set wants_reminders = excluded.wants_reminders;
  return true;
end
$$;

revoke all on function public.set_course_reminders from public, anon, authenticated, service_role;
grant execute on function public.set_course_reminders to bot_backend;
comment on function public.set_course_reminders is 'Switches reminders of a course on or off';

-- Submits a learner's homework of a lesson. One submission at a time is under review; a returned one may be followed by another.
-- p_file_key: key of a file of the learner in the bucket media.
--
-- Concurrency: submissions of one learner for one lesson are serialized; a reference is one submission.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE).
-- Returns: jsonb
--   outcome: 'submitted'
--     | 'known'            (the reference is known)
--     | 'waiting'          (another submission is under review)
--     | 'accepted'         (the homework is accepted already)
--     | 'not_reviewed'     (homework of the learner's tier is not reviewed)
--     | 'no_access'        (the lesson is not open to the user, or has no homework; without homework)
--   homework?: private.homework_state
-- Errors: W0002 the text and the file are both missing, the text is longer than 20,000 characters, the file is not the learner's, or
--   the reference is empty.
create or replace function public.submit_homework(
  p_user_id bigint, p_lesson_id bigint, p_text text, p_reference text, p_file_key text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lesson public.lessons := private.open_lesson(p_user_id, p_lesson_id);
  v_text constant text := coalesce(btrim(p_text, E' \t\r\n'), '');
  v_access record;
  v_file_id bigint;
  v_outcome text;
begin
  if v_lesson.homework is null then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  select f.id into v_file_id from public.stored_files as f where f.key = p_file_key and f.user_id = p_user_id;
  if (v_text = '' and p_file_key is null) or length(v_text) > 20000 or (p_file_key is not null and v_file_id is null)
    or coalesce(p_reference, '') = '' or length(p_reference) > 200
  then
    raise exception 'the homework is invalid' using errcode = 'W0002';
  end if;
  perform private.lock_progress(p_user_id, v_lesson);
  select a.is_staff, a.tier into v_access
    from public.courses as c
    cross join lateral private.course_access(p_user_id, c) as a
   where c.id = v_lesson.course_id;
  v_outcome := case
    when exists (
      select from public.homework_submissions as h where h.user_id = p_user_id and h.reference = p_reference
    ) then 'known'
    when not v_access.is_staff and private.tier_rank(v_access.tier) < private.tier_rank(v_lesson.homework_tier) then 'not_reviewed'
    else coalesce(
      (
        select case h.state when 'submitted' then 'waiting' else 'accepted' end
          from public.homework_submissions as h
         where h.user_id = p_user_id and h.lesson_id = p_lesson_id and h.state in ('submitted', 'accepted')
         limit 1
      ),
      'submitted'
    )
  end;
  if v_outcome = 'submitted' then
    insert into public.homework_submissions (user_id, lesson_id, n, text, file_id, reference)
    select p_user_id, p_lesson_id, coalesce(max(h.n), 0) + 1, v_text, v_file_id, p_reference
      from public.homework_submissions as h
     where h.user_id = p_user_id and h.lesson_id = p_lesson_id;
  end if;
  return jsonb_build_object(
    'outcome', v_outcome,
    'homework', private.homework_state(p_user_id, v_lesson, v_access.is_staff, v_access.tier)
  );
end
$$;

revoke all on function public.submit_homework from public, anon, authenticated, service_role;
grant execute on function public.submit_homework to bot_backend;
comment on function public.submit_homework is 'Submits a learners homework';
