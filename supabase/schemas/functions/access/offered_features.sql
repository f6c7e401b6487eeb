-- Returns what the owner offers, so that menus and help show nothing else.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   currencies: [ text ]   (in which products on sale have prices)
--   referrals: boolean
--   trial_days: int
--   channel_trainings: int
--   image_providers: [ text ]   (of the modes that make pictures)
--   video_providers: [ text ]   (of the modes that make videos)
--   courses: boolean       (one is published)
-- Errors: none.
create or replace function public.offered_features()
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'currencies', (
      select coalesce(jsonb_agg(distinct c.currency), '[]'::jsonb)
        from public.products as p
        join public.product_prices as c on c.product_key = p.key
       where p.is_active
    ),
    'referrals', private.setting('referral_referrer_credits')::integer > 0
      or private.setting('referral_referred_credits')::integer > 0,
    'trial_days', private.setting('trial_days')::integer,
    'channel_trainings', private.setting('channel_trainings')::integer,
    'image_providers', (
      select coalesce(jsonb_agg(distinct p.provider), '[]'::jsonb)
        from public.ai_modes as m
       cross join lateral (values (m.provider), (m.fallback_provider)) as p (provider)
       where m.kind = 'image' and m.enabled and p.provider is not null
    ),
    'video_providers', (
      select coalesce(jsonb_agg(distinct p.provider), '[]'::jsonb)
        from public.ai_modes as m
       cross join lateral (values (m.provider), (m.fallback_provider)) as p (provider)
       where m.kind = 'video' and m.enabled and p.provider is not null and private.setting('videos_enabled')::boolean
    ),
    'courses', exists (select from public.courses as c where c.is_published)
  );
$$;

revoke all on function public.offered_features from public, anon, authenticated, service_role;
grant execute on function public.offered_features to bot_backend;
comment on function public.offered_features is 'Returns what the owner offers';
