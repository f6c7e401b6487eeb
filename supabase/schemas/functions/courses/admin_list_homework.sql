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
-- Errors: N0001 neither an admin nor an author.
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
  perform private.require_author(p_admin_email);
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
