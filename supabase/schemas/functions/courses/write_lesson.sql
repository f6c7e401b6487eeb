-- Creates a lesson of a course (p_version null) or changes it. p_values: the columns that change, as JSON. p_version: the version
-- that the editor has read; if it was changed since, nothing is written. p_is_load: the values are those of the lesson's files.
--
-- Concurrency: the course is locked, so of two editors with one version the second gets changed.
-- Locks: course, lesson.
-- Returns: jsonb
--   outcome: 'created' | 'saved'
--     | 'unchanged'        (it has these values)
--     | 'changed'          (its version is another one)
--     | 'exists'           (p_version is null, and there is a lesson with this slug)
--     | 'none'             (no such course or lesson)
--   id?: bigint
--   version?: int          (as it is now)
-- Errors: W0003 a value is invalid.
create or replace function private.write_lesson(
  p_course_slug text, p_slug text, p_values jsonb, p_version integer, p_is_load boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course_id bigint;
  v_lesson public.lessons;
  v_new public.lessons;
  v_outcome text;
begin
  if jsonb_typeof(p_values) is distinct from 'object' or exists (
    select
      from jsonb_object_keys(p_values) as k (key)
     where k.key not in (
       'slug', 'position', 'is_published', 'tier', 'is_preview', 'is_required', 'texts', 'duration_seconds', 'video', 'files',
       'quiz', 'homework', 'homework_tier', 'completion', 'watch_percent', 'release', 'release_days', 'release_at'
     )
  ) then
    raise exception 'a value of the lesson % is invalid: unknown column', p_slug using errcode = 'W0003';
  elsif coalesce(jsonb_typeof(p_values -> 'quiz'), 'null') <> 'null' and not coalesce(private.is_quiz(p_values -> 'quiz'), false) then
    raise exception 'a value of the lesson % is invalid: quiz', p_slug using errcode = 'W0003';
  elsif p_values ? 'files' and not private.is_file_list(p_values -> 'files') then
    raise exception 'a value of the lesson % is invalid: files', p_slug using errcode = 'W0003';
  end if;
  select c.id into v_course_id from public.courses as c where c.slug = p_course_slug for no key update;
  select l.* into v_lesson
    from public.lessons as l
   where l.course_id = v_course_id and l.slug = p_slug
     for no key update;
  v_outcome := case
    when v_course_id is null then 'none'
    when v_lesson.id is null and p_version is null then 'created'
    when v_lesson.id is null then 'none'
    when p_version is null then 'exists'
    when v_lesson.version <> p_version then 'changed'
    else 'saved'
  end;
  if v_outcome in ('created', 'saved') then
    if v_outcome = 'created' then
      insert into public.lessons as l (course_id, slug, position, texts)
      values (
        v_course_id,
        p_slug,
        coalesce((select max(o.position) + 10 from public.lessons as o where o.course_id = v_course_id), 10),
        p_values -> 'texts'
      )
      returning l.* into v_lesson;
    end if;
    v_new := jsonb_populate_record(v_lesson, p_values);
    -- JSON's null is none.
    v_new.video := nullif(v_new.video, 'null');
    v_new.quiz := nullif(v_new.quiz, 'null');
    v_new.homework := nullif(v_new.homework, 'null');
    -- A date that programs cannot read would break the pages of the lesson.
    if v_new.release_at not between '2000-01-01' and '2200-01-01' then
      raise exception 'a value of the lesson % is invalid: release_at', p_slug using errcode = 'W0003';
    end if;
    if v_outcome = 'saved' and v_new is not distinct from v_lesson and (not p_is_load or v_lesson.loaded_version = v_lesson.version)
    then
      v_outcome := 'unchanged';
    else
      v_new.version := case v_outcome when 'saved' then v_lesson.version + 1 else v_lesson.version end;
      update public.lessons as l
         set slug = v_new.slug,
             position = v_new.position,
             is_published = v_new.is_published,
             tier = v_new.tier,
             is_preview = v_new.is_preview,
             is_required = v_new.is_required,
             texts = v_new.texts,
             duration_seconds = v_new.duration_seconds,
             video = v_new.video,
             files = v_new.files,
             quiz = v_new.quiz,
             homework = v_new.homework,
             homework_tier = v_new.homework_tier,
             completion = v_new.completion,
             watch_percent = v_new.watch_percent,
             release = v_new.release,
             release_days = v_new.release_days,
             release_at = v_new.release_at,
             version = v_new.version,
             loaded_version = case when p_is_load then v_new.version else l.loaded_version end,
             updated_at = private.clock()
       where l.id = v_lesson.id
      returning l.* into v_lesson;
    end if;
  end if;
  return jsonb_strip_nulls(
    jsonb_build_object('outcome', v_outcome, 'id', v_lesson.id, 'version', v_lesson.version)
  );
exception
  when check_violation or not_null_violation or foreign_key_violation or unique_violation or data_exception then
    raise exception 'a value of the lesson % is invalid: %', p_slug, sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function private.write_lesson from public, anon, authenticated, service_role;
comment on function private.write_lesson is 'Creates or changes a lesson';
