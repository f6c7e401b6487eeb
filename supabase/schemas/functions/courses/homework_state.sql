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
