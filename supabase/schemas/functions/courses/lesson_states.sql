-- Returns the lessons of a course, and whether each is open to a user; with p_lesson_id only that one. An unpublished lesson is
-- there for admins and the author only.
--
-- A lesson opens when the learner begins (at the day of the cohort, of the enrollment, or of the first visit with a plan), at
-- midnight of the learner's time zone some days later, or at a date. What was open stays open when the time zone or the schedule
-- changes, and what was completed also when the lesson moves to a higher tier.
--
-- Concurrency: read-only. Without the content of the lessons, which is large and would be read for each report of a player.
-- Locks: none.
-- Returns: table (lesson_id bigint, place bigint, is_published boolean, is_required boolean, rank integer, is_completed boolean,
--   state text, opens_at timestamptz); place is the number in the course, from 1 (with p_lesson_id always 1), rank that of the tier;
--   state is open, scheduled (opens_at says when), upgrade (it needs a higher tier) or no_access.
-- Errors: none.
create or replace function private.lesson_states(
  p_user_id bigint, p_course public.courses, p_lesson_id bigint default null
)
returns table (
  lesson_id bigint, place bigint, is_published boolean, is_required boolean, rank integer, is_completed boolean, state text,
  opens_at timestamptz
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with seen as materialized (
    select a.is_staff, private.tier_rank(a.tier) as rank, private.clock() as now, private.reminder_time_zone(p_user_id) as zone
      from private.course_access(p_user_id, p_course) as a
  ), begins as materialized (
    select private.tier_rank(e.tier) as rank, greatest(e.enrolled_at, c.starts_at) as begins_at
      from public.enrollments as e
      left join public.cohorts as c on c.id = e.cohort_id
     where e.user_id = p_user_id
       and e.course_id = p_course.id
       and e.withdrawn_at is null
       and coalesce(e.expires_at > (select s.now from seen as s), true)
    union all
    select private.tier_rank(p_course.plan_tier), coalesce(p.started_at, (select s.now from seen as s))
      from public.users as u
      left join public.course_progress as p on p.user_id = u.id and p.course_id = p_course.id
     where u.id = p_user_id and u.is_paid and p_course.plan_tier is not null
  ), listed as (
    select
      l.id, l.is_published, l.is_required, l.is_preview, l.release, l.release_days, l.release_at, r.rank,
      row_number() over (order by l.position, l.id) as place
      from public.lessons as l
      cross join lateral (select private.tier_rank(l.tier) as rank) as r
     where l.course_id = p_course.id
       and (p_lesson_id is null or l.id = p_lesson_id)
       and (l.is_published or (select s.is_staff from seen as s))
  )
  select
    l.id,
    l.place,
    l.is_published,
    l.is_required,
    l.rank,
    coalesce(p.completed, false),
    case
      when s.is_staff or l.is_preview then 'open'
      when s.rank = 0 then 'no_access'
      when p.completed then 'open'
      when l.rank > s.rank then 'upgrade'
      when p.opened_at is not null or o.opens_at <= s.now then 'open'
      else 'scheduled'
    end,
    o.opens_at
    from seen as s
    cross join listed as l
    left join public.lesson_progress as p on p.user_id = p_user_id and p.lesson_id = l.id
    left join lateral (
      select min(b.begins_at) as begins_at from begins as b where b.rank >= l.rank
    ) as b on true
    left join lateral (
      select greatest(
          b.begins_at,
          case l.release
            when 'days' then ((b.begins_at at time zone s.zone)::date + l.release_days)::timestamp at time zone s.zone
            when 'date' then l.release_at
          end
        ) as opens_at
    ) as o on true
   order by l.place;
$$;

revoke all on function private.lesson_states from public, anon, authenticated, service_role;
comment on function private.lesson_states is 'Which lessons of a course are open to a user';
