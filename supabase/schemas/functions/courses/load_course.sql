-- Stores a course of a folder (./switchboard courses load): the course, its lessons, and products that sell it where they are missing.
--
-- What was changed in the console since the last load stays as it is, unless p_overwrites: courses and lessons remember the version
-- that was loaded. A lesson without a file stays. Products and prices are created once and never changed; p_on_sale puts new ones on
-- sale.
--
-- Concurrency: loads of the same course are serialized by its row; a repeated load changes nothing.
-- Locks: course (FOR UPDATE), its lessons.
-- Returns: jsonb
--   course: 'new' | 'updated' | 'unchanged' | 'edited'   (edited: changed in the console, left as it is)
--   lessons: [ { slug: text, outcome: 'new' | 'updated' | 'unchanged' | 'edited' | 'no_file' } ]
--   products: [ text ]       (new ones)
-- Errors: a check of a table refuses a value.
create or replace function private.load_course(p_course jsonb, p_overwrites boolean, p_on_sale boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_old public.courses;
  v_new public.courses;
  v_lesson jsonb;
  v_old_lesson public.lessons;
  v_new_lesson public.lessons;
  v_offer jsonb;
  v_outcome text := 'unchanged';
  v_lesson_outcome text;
  v_lessons jsonb := '[]'::jsonb;
  v_products jsonb := '[]'::jsonb;
begin
  insert into public.courses (slug, texts)
  values (p_course ->> 'slug', p_course -> 'texts')
  on conflict (slug) do nothing;
  if found then
    v_outcome := 'new';
  end if;
  select c.* into v_old from public.courses as c where c.slug = p_course ->> 'slug' for update;
  v_new := jsonb_populate_record(v_old, p_course - 'slug');
  if v_outcome = 'unchanged' and v_old.loaded_version is distinct from v_old.version and not p_overwrites then
    v_outcome := 'edited';
  elsif v_outcome = 'new' or v_new is distinct from v_old or v_old.loaded_version is distinct from v_old.version then
    v_outcome := coalesce(nullif(v_outcome, 'unchanged'), 'updated');
    update public.courses as c
       set position = v_new.position,
           is_published = v_new.is_published,
           texts = v_new.texts,
           shows_learner_count = v_new.shows_learner_count,
           plan_tier = v_new.plan_tier,
           next_step = v_new.next_step,
           version = case v_outcome when 'new' then c.version else c.version + 1 end,
           loaded_version = case v_outcome when 'new' then c.version else c.version + 1 end,
           updated_at = private.clock()
     where c.id = v_old.id;
  end if;
  for v_lesson in select l.value from jsonb_array_elements(p_course -> 'lessons') as l (value) loop
    v_lesson_outcome := 'unchanged';
    insert into public.lessons (course_id, slug, texts)
    values (v_old.id, v_lesson ->> 'slug', v_lesson -> 'texts')
    on conflict (course_id, slug) do nothing;
    if found then
      v_lesson_outcome := 'new';
    end if;
    select l.* into v_old_lesson
      from public.lessons as l
     where l.course_id = v_old.id and l.slug = v_lesson ->> 'slug'
       for update;
    -- JSON null is a value of a jsonb column; here it stands for none.
    v_new_lesson := jsonb_populate_record(v_old_lesson, v_lesson - 'slug');
    v_new_lesson.video := nullif(v_new_lesson.video, 'null');
    v_new_lesson.quiz := nullif(v_new_lesson.quiz, 'null');
    v_new_lesson.homework := nullif(v_new_lesson.homework, 'null');
    if v_lesson_outcome = 'unchanged'
      and v_old_lesson.loaded_version is distinct from v_old_lesson.version
      and not p_overwrites
    then
      v_lesson_outcome := 'edited';
    elsif v_lesson_outcome = 'new'
      or v_new_lesson is distinct from v_old_lesson
      or v_old_lesson.loaded_version is distinct from v_old_lesson.version
    then
      v_lesson_outcome := coalesce(nullif(v_lesson_outcome, 'unchanged'), 'updated');
      update public.lessons as l
         set position = v_new_lesson.position,
             is_published = v_new_lesson.is_published,
             tier = v_new_lesson.tier,
             is_preview = v_new_lesson.is_preview,
             is_required = v_new_lesson.is_required,
             texts = v_new_lesson.texts,
             duration_seconds = v_new_lesson.duration_seconds,
             video = v_new_lesson.video,
             files = v_new_lesson.files,
             quiz = v_new_lesson.quiz,
             homework = v_new_lesson.homework,
             homework_tier = v_new_lesson.homework_tier,
             completion = v_new_lesson.completion,
             watch_percent = v_new_lesson.watch_percent,
             release = v_new_lesson.release,
             release_days = v_new_lesson.release_days,
             release_at = v_new_lesson.release_at,
             version = case v_lesson_outcome when 'new' then l.version else l.version + 1 end,
             loaded_version = case v_lesson_outcome when 'new' then l.version else l.version + 1 end,
             updated_at = private.clock()
       where l.id = v_old_lesson.id;
    end if;
    v_lessons := v_lessons || jsonb_build_object('slug', v_lesson ->> 'slug', 'outcome', v_lesson_outcome);
  end loop;
  select v_lessons || coalesce(jsonb_agg(jsonb_build_object('slug', l.slug, 'outcome', 'no_file') order by l.position), '[]')
    into v_lessons
    from public.lessons as l
   where l.course_id = v_old.id
     and not exists (
       select from jsonb_array_elements(p_course -> 'lessons') as f (value) where f.value ->> 'slug' = l.slug
     );
  for v_offer in select o.value from jsonb_array_elements(p_course -> 'offers') as o (value) loop
    insert into public.products (key, kind, texts, is_active)
    values (v_offer ->> 'product_key', 'course', v_offer -> 'texts', p_on_sale)
    on conflict (key) do nothing;
    if found then
      insert into public.product_prices (product_key, currency, amount)
      select v_offer ->> 'product_key', p.key, p.value::numeric
        from jsonb_each_text(v_offer -> 'prices') as p;
      insert into public.course_offers (product_key, course_id, tier, access_days)
      values (v_offer ->> 'product_key', v_old.id, v_offer ->> 'tier', (v_offer ->> 'access_days')::integer);
      v_products := v_products || (v_offer -> 'product_key');
    end if;
  end loop;
  return jsonb_build_object('course', v_outcome, 'lessons', v_lessons, 'products', v_products);
end
$$;

revoke all on function private.load_course from public, anon, authenticated, service_role;
comment on function private.load_course is 'Stores a course of a folder';
