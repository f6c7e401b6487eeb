-- Returns the learners of a course for an admin's export, in parts by users.id.
--
-- Concurrency: each part is of its own moment. The export is audited once an hour (private.audit_reading).
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
  v_account text;
  v_ids bigint[];
begin
  v_account := private.require_admin(p_admin_email);
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  if not found then
    return null;
  end if;
  perform private.audit_reading(v_account, 'export_learners', p_slug, null, jsonb_build_object('course', p_slug));
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
