-- Returns a lesson in the list of its course, without its content.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   slug: text
--   titles: { [text]: text }                   (by language)
--   tier: 'basic' | 'accelerator' | 'vip'
--   is_published: boolean
--   is_preview: boolean
--   is_required: boolean
--   duration_seconds: int | null
--   state: 'open' | 'scheduled' | 'upgrade' | 'no_access'
--   opens_at: timestamptz | null               (scheduled: when; null: without an enrollment nothing is scheduled)
--   completion: 'watched' | 'quiz' | 'button' | 'opened'   (what completes it)
--   watch_percent: int                         (watched: how much of the video)
--   has_quiz: boolean
--   has_homework: boolean
--   completed_at: timestamptz | null
--   watched_percent: int | null                (null: the lesson has no duration)
-- Errors: none.
create or replace function private.lesson_card(
  p_lesson public.lessons, p_progress public.lesson_progress, p_state text, p_opens_at timestamptz
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'id', p_lesson.id,
    'slug', p_lesson.slug,
    'titles', private.text_titles(p_lesson.texts),
    'tier', p_lesson.tier,
    'is_published', p_lesson.is_published,
    'is_preview', p_lesson.is_preview,
    'is_required', p_lesson.is_required,
    'duration_seconds', p_lesson.duration_seconds,
    'state', p_state,
    'opens_at', p_opens_at,
    'completion', p_lesson.completion,
    'watch_percent', p_lesson.watch_percent,
    'has_quiz', p_lesson.quiz is not null,
    'has_homework', p_lesson.homework is not null,
    'completed_at', p_progress.completed_at,
    'watched_percent', case
      when p_lesson.duration_seconds is not null
        then least(coalesce(p_progress.watched_seconds, 0) * 100 / p_lesson.duration_seconds, 100)
    end
  );
end
$$;

revoke all on function private.lesson_card from public, anon, authenticated, service_role;
comment on function private.lesson_card is 'A lesson in the list of its course';
