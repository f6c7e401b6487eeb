-- Stores a course of a folder (./switchboard courses load): the course, its lessons, and products that sell it where they are missing.
--
-- What was changed in the console since the last load stays as it is, unless p_overwrites: courses and lessons remember the version
-- that was loaded. A lesson without a file stays. Products and prices are created once and never changed; p_on_sale puts new ones on
-- sale.
--
-- Concurrency: loads of the same course are serialized by its row; a repeated load changes nothing.
-- Locks: course, its lessons.
-- Returns: jsonb
--   course: 'new' | 'updated' | 'unchanged' | 'edited'   (edited: changed in the console, left as it is)
--   lessons: [ { slug: text, outcome: 'new' | 'updated' | 'unchanged' | 'edited' | 'no_file' } ]
--   products: [ text ]       (new ones)
-- Errors: W0003 a value is invalid.
create or replace function private.load_course(p_course jsonb, p_overwrites boolean, p_on_sale boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_slug constant text := p_course ->> 'slug';
  v_values constant jsonb := p_course - array['slug', 'lessons', 'offers'];
  v_words constant jsonb := '{"created": "new", "saved": "updated", "unchanged": "unchanged", "exists": "edited"}'::jsonb;
  v_version integer;
  v_saved jsonb;
  v_course_id bigint;
  v_outcome text;
  v_lesson jsonb;
  v_offer jsonb;
  v_lessons jsonb := '[]'::jsonb;
  v_products jsonb := '[]'::jsonb;
begin
  v_saved := private.write_course(v_slug, v_values, null, true);
  if v_saved ->> 'outcome' = 'exists' then
    -- Without a version it was only found: it is written unless it was changed in the console.
    select c.version into v_version
      from public.courses as c
     where c.slug = v_slug and (c.loaded_version = c.version or p_overwrites);
    if found then
      v_saved := private.write_course(v_slug, v_values, v_version, true);
    end if;
  end if;
  v_course_id := (v_saved ->> 'id')::bigint;
  v_outcome := v_words ->> (v_saved ->> 'outcome');
  for v_lesson in select l.value from jsonb_array_elements(p_course -> 'lessons') as l (value) loop
    v_saved := private.write_lesson(v_slug, v_lesson ->> 'slug', v_lesson - 'slug', null, true);
    if v_saved ->> 'outcome' = 'exists' then
      select l.version into v_version
        from public.lessons as l
       where l.id = (v_saved ->> 'id')::bigint and (l.loaded_version = l.version or p_overwrites);
      if found then
        v_saved := private.write_lesson(v_slug, v_lesson ->> 'slug', v_lesson - 'slug', v_version, true);
      end if;
    end if;
    v_lessons := v_lessons || jsonb_build_object(
      'slug', v_lesson ->> 'slug', 'outcome', v_words -> (v_saved ->> 'outcome')
    );
  end loop;
  select v_lessons || coalesce(jsonb_agg(jsonb_build_object('slug', l.slug, 'outcome', 'no_file') order by l.position), '[]')
    into v_lessons
    from public.lessons as l
   where l.course_id = v_course_id
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
      values (v_offer ->> 'product_key', v_course_id, v_offer ->> 'tier', (v_offer ->> 'access_days')::integer);
      v_products := v_products || (v_offer -> 'product_key');
    end if;
  end loop;
  return jsonb_build_object('course', v_outcome, 'lessons', v_lessons, 'products', v_products);
end
$$;

revoke all on function private.load_course from public, anon, authenticated, service_role;
comment on function private.load_course is 'Stores a course of a folder';
