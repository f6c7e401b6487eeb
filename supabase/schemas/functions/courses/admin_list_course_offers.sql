-- Lists what sells a course for an admin, also what is hidden, by tier.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     product: private.product_card
--     tier: 'basic' | 'accelerator' | 'vip'
--     access_days: int | null    (null: for life)
--     cohort: text | null        (key; null: each learner begins on the day of the purchase)
--   } ] | null                   (no such course)
-- Errors: N0001 not an admin.
create or replace function public.admin_list_course_offers(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return (
    select coalesce(
        (
          select jsonb_agg(
              jsonb_build_object(
                'product', private.product_card(p),
                'tier', f.tier,
                'access_days', f.access_days,
                'cohort', (select h.key from public.cohorts as h where h.id = f.cohort_id)
              )
              order by private.tier_rank(f.tier), p.position, p.key
            )
            from public.course_offers as f
            join public.products as p on p.key = f.product_key
           where f.course_id = c.id
        ),
        '[]'
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_list_course_offers from public, anon, authenticated, service_role;
grant execute on function public.admin_list_course_offers to bot_backend;
comment on function public.admin_list_course_offers is 'Lists what sells a course for an admin';
