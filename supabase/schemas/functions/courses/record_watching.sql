-- Credits seconds of a lesson's video that a learner watched: the player reports each 15 to 30 seconds what it has played since
-- its last report, p_from to p_to (seconds of the video), and where it is now.
--
-- Credited are at most twice the seconds since the last report and five more, and over all reports at most twice the time that
-- passed and five seconds; of a pause at most two minutes count. What was watched is a set of seconds, so skipping, watching again,
-- a second tab and reports of another computer add nothing. The time spent grows by at most the time that passed since the last
-- report in any lesson.
--
-- Concurrency: reports of one learner for one lesson are serialized; a repeated one adds nothing.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.settle_lesson.
-- Returns: jsonb
--   outcome: 'saved' | 'no_access'        (no_access: the lesson is not open to the user; without the other keys)
--   ...?private.lesson_result
-- Errors: none.
create or replace function public.record_watching(
  p_user_id bigint, p_lesson_id bigint, p_from integer, p_to integer, p_position integer, p_playback_id text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_pause constant interval := interval '2 minutes';
  v_lesson public.lessons := private.open_lesson(p_user_id, p_lesson_id);
  v_progress public.lesson_progress;
  v_end integer;
  v_last_beat_at timestamptz;
  v_credited_until timestamptz;
  v_seconds integer;
  v_spent integer;
  v_watched int4multirange;
begin
  if v_lesson.id is null then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  v_progress := private.lock_progress(p_user_id, v_lesson);
  v_end := coalesce(v_lesson.duration_seconds, 86400);
  v_credited_until := greatest(coalesce(v_progress.credited_until, v_progress.opened_at), v_now - v_pause);
  v_last_beat_at := greatest(coalesce(v_progress.last_beat_at, v_progress.opened_at), v_now - v_pause);
  v_seconds := greatest(
    0,
    floor(
      least(
        least(p_to, v_end) - greatest(p_from, 0),
        extract(epoch from v_now - v_last_beat_at) * 2 + 5,
        extract(epoch from v_now - v_credited_until) * 2 + 5
      )
    )::integer
  );
  v_watched := v_progress.watched;
  if v_seconds > 0 then
    v_watched := v_watched + int4multirange(int4range(greatest(p_from, 0), greatest(p_from, 0) + v_seconds));
  end if;
  -- Whole seconds of the clock, so that what many reports round off adds up.
  select floor(extract(epoch from v_now))
      - floor(extract(epoch from greatest(max(p.last_beat_at), v_progress.opened_at, v_now - v_pause))) into v_spent
    from public.lesson_progress as p
   where p.user_id = p_user_id;
  update public.lesson_progress as p
     set watched = v_watched,
         watched_seconds = coalesce((select sum(upper(r) - lower(r)) from unnest(v_watched) as r), 0),
         time_spent_seconds = p.time_spent_seconds + greatest(0, least(v_spent, v_seconds * 2)),
         position_seconds = coalesce(least(greatest(p_position, 0), v_end), p.position_seconds),
         last_beat_at = greatest(p.last_beat_at, v_now),
         credited_until = v_credited_until + make_interval(secs => v_seconds / 2.0),
         playback_id = left(p_playback_id, 64)
   where p.user_id = p_user_id and p.lesson_id = v_lesson.id
  returning p.* into v_progress;
  return jsonb_build_object('outcome', 'saved')
    || private.lesson_result(p_user_id, v_lesson, private.settle_lesson(p_user_id, v_lesson, v_progress));
end
$$;

revoke all on function public.record_watching from public, anon, authenticated, service_role;
grant execute on function public.record_watching to bot_backend;
comment on function public.record_watching is 'Credits seconds of a video that a learner watched';
