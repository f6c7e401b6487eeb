-- Returns the terms by which a user would order a product of the kind course (orders.course_terms) and its price: for an upgrade
-- the difference to what was paid for lower tiers (private.course_credits).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (terms, price, reason). reason is null if it is for sale, else covered (the user has this tier or a higher one for
--   life, or paid as much already), closed (places of the cohort are no longer sold) or unpublished. terms is null for a
--   product that gives no course here; its price is the full one.
-- Errors: none.
create or replace function private.course_terms(
  p_user_id bigint, p_product_key text, p_currency text, p_price numeric,
  out terms jsonb, out price numeric, out reason text
)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_offer public.course_offers;
  v_credits record;
begin
  price := p_price;
  select f.* into v_offer from public.course_offers as f where f.product_key = p_product_key;
  if not found then
    return;
  end if;
  select c.credited, c.amount into v_credits
    from private.course_credits(p_user_id, v_offer.course_id, v_offer.tier, p_currency) as c;
  price := p_price - v_credits.amount;
  terms := jsonb_build_object(
    'course_id', v_offer.course_id,
    'tier', v_offer.tier,
    'cohort_id', v_offer.cohort_id,
    'access_days', v_offer.access_days,
    'credited', to_jsonb(v_credits.credited),
    'credit', v_credits.amount::text
  );
  reason := case
    when not exists (select from public.courses as c where c.id = v_offer.course_id and c.is_published) then 'unpublished'
    when price <= 0 or exists (
      select
        from public.enrollments as e
       where e.user_id = p_user_id
         and e.course_id = v_offer.course_id
         and private.tier_rank(e.tier) >= private.tier_rank(v_offer.tier)
         and e.withdrawn_at is null
         and e.expires_at is null
    ) then 'covered'
    when exists (
      select from public.cohorts as h where h.id = v_offer.cohort_id and h.enrolls_until <= v_now
    ) then 'closed'
  end;
end
$$;

revoke all on function private.course_terms from public, anon, authenticated, service_role;
comment on function private.course_terms is 'What a user would order with a course product, and its price';
