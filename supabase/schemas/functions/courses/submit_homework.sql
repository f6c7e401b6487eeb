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
  if length(v_text) > 20000 or (p_file_key is not null and v_file_id is null)
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
    -- Not before: a page stores no file for homework that it knows to be known or under review.
    if v_text = '' and p_file_key is null then
      raise exception 'the homework is empty' using errcode = 'W0002';
    end if;
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
