-- Unread course values.

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

-- Returns the homework of a lesson as a learner sees it, with their submissions, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     texts: { [text]: text }                  (by language, Markdown)
--     tier: 'basic' | 'accelerator' | 'vip'    (the lowest whose homework is reviewed)
--     can_submit: boolean
--     submissions: [ {
--       id: bigint
--       n: int
--       text: text
--       file: text | null                      (key in the bucket media)
--       state: 'submitted' | 'returned' | 'accepted'
--       comment: text | null
--       created_at: timestamptz
--     } ]
--   } | null               (the lesson has none)
-- Errors: none.
create or replace function private.homework_state(
  p_user_id bigint, p_lesson public.lessons, p_is_staff boolean, p_tier text
)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'texts', p_lesson.homework,
    'tier', p_lesson.homework_tier,
    'can_submit', p_user_id is not null
    and (p_is_staff or private.tier_rank(p_tier) >= private.tier_rank(p_lesson.homework_tier))
    and not exists (
      select
        from public.homework_submissions as h
       where h.user_id = p_user_id and h.lesson_id = p_lesson.id and h.state in ('submitted', 'accepted')
    ),
    'submissions', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', h.id, 'n', h.n, 'text', h.text, 'file', f.key, 'state', h.state, 'comment', h.comment,
              'created_at', h.created_at
            )
            order by h.n desc
          ),
          '[]'
        )
        from public.homework_submissions as h
        left join public.stored_files as f on f.id = h.file_id
       where h.user_id = p_user_id and h.lesson_id = p_lesson.id
    )
  )
  where p_lesson.homework is not null;
$$;

revoke all on function private.homework_state from public, anon, authenticated, service_role;
comment on function private.homework_state is 'The homework of a lesson as a learner sees it';

-- Returns the learners of a course for an admin's export, in parts by users.id.
--
-- Concurrency: read-only; each part is of its own moment.
-- Locks: none.
-- Returns: jsonb
--   {
--     rows: [ private.learner_row ]
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
          jsonb_agg(private.learner_row(i.user_id, v_course) order by i.user_id), '[]'
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
comment on function public.admin_export_learners is 'Returns all learners of a course, in parts';

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
              'created_at', h.created_at
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
