-- Returns what a user can buy of a course: its products on sale, with the prices that the checkout asks for. A higher tier costs
-- the difference (private.course_terms). p_user_id null: a visitor.
--
-- Concurrency: read-only. The order computes the price again.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     product_key: text
--     tier: 'basic' | 'accelerator' | 'vip'
--     texts: product_texts
--     access_days: int | null                  (null: for life)
--     cohort: { key: text, starts_at: timestamptz, enrolls_until: timestamptz | null } | null
--     prices: { [text]: numeric }              (by currency; without currencies in which it is not for sale)
--     full_prices: { [text]: numeric }         (of a user who has nothing of the course)
--     reason: 'covered' | 'closed' | 'unpublished' | null   (why it has no price; null: for sale)
--   } ]                                        (by tier)
-- Errors: none.
create or replace function public.list_course_offers(p_user_id bigint, p_slug text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'product_key', p.key,
          'tier', f.tier,
          'texts', p.texts,
          'access_days', f.access_days,
          'cohort', case when h.id is not null then jsonb_build_object(
            'key', h.key, 'starts_at', h.starts_at, 'enrolls_until', h.enrolls_until
          ) end,
          'prices', coalesce(t.prices, '{}'),
          'full_prices', t.full_prices,
          'reason', case when t.prices is null then t.reason end
        )
        order by private.tier_rank(f.tier), p.position, p.key
      ),
      '[]'
    )
    from public.courses as c
    join public.course_offers as f on f.course_id = c.id
    join public.products as p on p.key = f.product_key and p.is_active
    left join public.cohorts as h on h.id = f.cohort_id
    join lateral (
      select
        jsonb_object_agg(r.currency, o.price::text) filter (where o.reason is null) as prices,
        jsonb_object_agg(r.currency, r.amount::text) as full_prices,
        min(o.reason) as reason
        from public.product_prices as r
        cross join lateral private.course_terms(p_user_id, p.key, r.currency, r.amount) as o
       where r.product_key = p.key
    ) as t on t.full_prices is not null
   where c.slug = p_slug;
$$;

revoke all on function public.list_course_offers from public, anon, authenticated, service_role;
grant execute on function public.list_course_offers to bot_backend;
comment on function public.list_course_offers is 'What a user can buy of a course';
