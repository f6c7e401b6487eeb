-- Says in an admin's name what a product of the kind course gives: a tier of a course, for life or for some days. Orders that were
-- made before keep their terms.
--
-- Concurrency: the row is created or changed in one statement.
-- Locks: offer.
-- Returns: jsonb
--   { outcome: 'saved' | 'none' }   (none: no such course, product of the kind course, or cohort)
-- Errors: N0001 not an admin; W0003 a value is invalid.
create or replace function public.admin_save_course_offer(
  p_product_key text, p_slug text, p_tier text, p_admin_email text,
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
  v_before jsonb;
  v_offer public.course_offers;
begin
  select to_jsonb(f) into v_before from public.course_offers as f where f.product_key = p_product_key;
  insert into public.course_offers as f (product_key, course_id, tier, cohort_id, access_days)
  select p.key, c.id, p_tier, h.id, p_access_days
    from public.products as p
    join public.courses as c on c.slug = p_slug
    left join public.cohorts as h on h.course_id = c.id and h.key = p_cohort_key
   where p.key = p_product_key and p.kind = 'course' and (h.id is not null or p_cohort_key is null)
  on conflict (product_key) do update
    set course_id = excluded.course_id,
        tier = excluded.tier,
        cohort_id = excluded.cohort_id,
        access_days = excluded.access_days
  returning f.* into v_offer;
  if v_offer.product_key is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  perform private.write_audit(
    v_email, 'save_course_offer', null, null, coalesce(v_before, '{}'), to_jsonb(v_offer)
  );
  return '{"outcome": "saved"}'::jsonb;
exception when check_violation or not_null_violation then
  raise exception 'a value of the offer is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_save_course_offer from public, anon, authenticated, service_role;
grant execute on function public.admin_save_course_offer to bot_backend;
comment on function public.admin_save_course_offer is 'Says in an admins name what a product gives of a course';
