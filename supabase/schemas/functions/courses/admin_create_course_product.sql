-- Creates a product that sells a tier of a course in an admin's name, hidden and without a price: both follow in /products.
-- p_titles: its title by language.
--
-- Concurrency: the key of a product is unique, so of two calls with one key the second gets exists.
-- Locks: product, offer.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none' }   (exists: another product has this key; none: no such course or cohort)
-- Errors: N0001 not an admin; W0003 a value is invalid.
create or replace function public.admin_create_course_product(
  p_product_key text, p_titles jsonb, p_slug text, p_tier text, p_admin_email text,
  p_cohort_key text default null, p_access_days integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_texts constant jsonb := (
    select jsonb_object_agg(t.key, jsonb_build_object('title', trim(t.value))) from jsonb_each_text(p_titles) as t
  );
begin
  if exists (select from jsonb_each_text(p_titles) as t where private.check_product_text('title', trim(t.value)) is not null) then
    raise exception 'a value of the product is invalid: title' using errcode = 'W0003';
  end if;
  if not exists (
    select
      from public.courses as c
      left join public.cohorts as h on h.course_id = c.id and h.key = p_cohort_key
     where c.slug = p_slug and (h.id is not null or p_cohort_key is null)
  ) then
    return '{"outcome": "none"}'::jsonb;
  end if;
  insert into public.products (key, kind, texts)
  values (p_product_key, 'course', v_texts)
  on conflict (key) do nothing;
  if not found then
    return '{"outcome": "exists"}'::jsonb;
  end if;
  perform private.write_audit(
    v_email, 'create_product', null, null, '{}', jsonb_build_object('product', p_product_key, 'texts', v_texts)
  );
  return public.admin_save_course_offer(p_product_key, p_slug, p_tier, p_admin_email, p_cohort_key, p_access_days);
exception when check_violation or not_null_violation then
  raise exception 'a value of the product is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_create_course_product from public, anon, authenticated, service_role;
grant execute on function public.admin_create_course_product to bot_backend;
comment on function public.admin_create_course_product is 'Creates a product that sells a tier of a course in an admins name';
