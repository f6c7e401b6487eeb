-- Creates a course (p_version null) or changes it. p_values: the columns that change, as JSON. p_version: the version that the
-- editor has read; if it was changed since, nothing is written. p_is_load: the values are those of the course's files.
--
-- Concurrency: the course is locked, so of two editors with one version the second gets changed.
-- Locks: course.
-- Returns: jsonb
--   outcome: 'created' | 'saved'
--     | 'unchanged'        (it has these values)
--     | 'changed'          (its version is another one)
--     | 'exists'           (p_version is null, and there is a course with this slug)
--     | 'none'             (no such course)
--   id?: bigint
--   version?: int          (as it is now)
-- Errors: W0003 a value is invalid.
create or replace function private.write_course(
  p_slug text, p_values jsonb, p_version integer, p_is_load boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_new public.courses;
  v_outcome text := 'saved';
begin
  if jsonb_typeof(p_values) is distinct from 'object' or exists (
    select
      from jsonb_object_keys(p_values) as k (key)
     where k.key not in (
       'slug', 'position', 'is_published', 'texts', 'author_id', 'shows_learner_count', 'plan_tier', 'next_step',
       'next_product_key'
     )
  ) then
    raise exception 'a value of the course % is invalid: unknown column', p_slug using errcode = 'W0003';
  end if;
  select c.* into v_course from public.courses as c where c.slug = p_slug for no key update;
  if v_course.id is null and p_version is null then
    v_outcome := 'created';
    insert into public.courses as c (slug, texts)
    values (p_slug, p_values -> 'texts')
    on conflict (slug) do nothing
    returning c.* into v_course;
    if v_course.id is null then  -- created at this moment
      select c.* into v_course from public.courses as c where c.slug = p_slug for no key update;
      v_outcome := 'exists';
    end if;
  else
    v_outcome := case
      when v_course.id is null then 'none'
      when p_version is null then 'exists'
      when v_course.version <> p_version then 'changed'
      else 'saved'
    end;
  end if;
  if v_outcome in ('created', 'saved') then
    v_new := jsonb_populate_record(v_course, p_values);
    if v_outcome = 'saved' and v_new is not distinct from v_course and (not p_is_load or v_course.loaded_version = v_course.version)
    then
      v_outcome := 'unchanged';
    elsif v_new.next_product_key is not null and not exists (select from public.products as p where p.key = v_new.next_product_key)
    then
      raise exception 'a value of the course % is invalid: there is no product %', p_slug, v_new.next_product_key using errcode = 'W0003';
    else
      v_new.version := case v_outcome when 'saved' then v_course.version + 1 else v_course.version end;
      update public.courses as c
         set slug = v_new.slug,
             position = v_new.position,
             is_published = v_new.is_published,
             texts = v_new.texts,
             author_id = v_new.author_id,
             shows_learner_count = v_new.shows_learner_count,
             plan_tier = v_new.plan_tier,
             next_step = v_new.next_step,
             next_product_key = v_new.next_product_key,
             version = v_new.version,
             loaded_version = case when p_is_load then v_new.version else c.loaded_version end,
             updated_at = private.clock()
       where c.id = v_course.id
      returning c.* into v_course;
    end if;
  end if;
  return jsonb_strip_nulls(
    jsonb_build_object('outcome', v_outcome, 'id', v_course.id, 'version', v_course.version)
  );
exception
  when check_violation or not_null_violation or foreign_key_violation or unique_violation or data_exception then
    raise exception 'a value of the course % is invalid: %', p_slug, sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function private.write_course from public, anon, authenticated, service_role;
comment on function private.write_course is 'Creates or changes a course';
