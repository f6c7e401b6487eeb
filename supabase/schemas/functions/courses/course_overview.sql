-- Returns the courses with a user's access and progress: first those that the user has, by their last activity, then the others
-- in the order of the catalogue. Unpublished courses are there for admins and their author. p_user_id null: a visitor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ private.course_card ]
-- Errors: none.
create or replace function public.course_overview(p_user_id bigint default null)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(d.card order by d.card ->> 'tier' is null, p.last_active_at desc nulls last, c.position, c.id), '[]'
    )
    from public.courses as c
    left join public.course_progress as p on p.user_id = p_user_id and p.course_id = c.id
    cross join lateral private.course_card(p_user_id, c) as d (card)
   where c.is_published or (d.card ->> 'is_staff')::boolean;
$$;

revoke all on function public.course_overview from public, anon, authenticated, service_role;
grant execute on function public.course_overview to bot_backend;
comment on function public.course_overview is 'Courses with a users access and progress';
