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
