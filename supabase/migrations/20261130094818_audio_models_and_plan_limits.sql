-- Audio models and plan limits.

-- Lists the models that transcribe or speak, the first choice first: those of enabled modes by the order of the modes, a model
-- before its fallback, then the other ones of the catalogue.
--
-- p_kind: 'transcription' or 'speech'.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     provider: text
--     model: text
--     is_usable: boolean             (enabled, and not switched off by its provider)
--     minute_price: text | null      (US dollars today; null: not priced by its length)
--   } ]
-- Errors: none.
create or replace function public.list_audio_models(p_kind text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'provider', a.provider,
          'model', a.model,
          'is_usable', a.enabled and coalesce(a.shutdown_on > (private.clock() at time zone 'UTC')::date, true),
          'minute_price', private.call_cost(a.provider, a.model, '{"minute": 1}', '{}', private.clock())::text
        )
        order by u.position, u.key, u.is_fallback, a.provider, a.model
      ),
      '[]'
    )
    from public.ai_models as a
    left join lateral (
      select m.position, m.key, (a.provider, a.model) <> (m.provider, m.model) as is_fallback
        from public.ai_modes as m
       where m.kind = p_kind and m.enabled
         and (a.provider, a.model) in ((m.provider, m.model), (m.fallback_provider, m.fallback_model))
       order by m.position, m.key
       limit 1
    ) as u on true
   where a.kind = p_kind;
$$;

revoke all on function public.list_audio_models from public, anon, authenticated, service_role;
grant execute on function public.list_audio_models to bot_backend;
comment on function public.list_audio_models is 'Lists the models that transcribe or speak';

-- Rows that an owner has changed stay.
update public.subscription_limits as l set document_pages = 20 where l.plan = 'FREE' and l.document_pages = 50;
update public.subscription_limits as l set document_pages = 200 where l.plan = 'PREMIUM' and l.document_pages = 50;
update public.subscription_limits as l set voice_seconds = 600 where l.plan = 'PREMIUM' and l.voice_seconds = 300;

update public.products as p
   set texts = n.after
  from (
    values
    (
      'premium_month',
      '{"ru": {"title": "Премиум на месяц", "description": "1 000 запросов в день на месяц"}, "en": {"title": "Premium for a month", "description": "1,000 requests a day for a month"}}'::jsonb,
      '{"ru": {"title": "Премиум на месяц", "description": "1 000 запросов в день на месяц, голосовые до 10 минут, документы до 200 страниц"}, "en": {"title": "Premium for a month", "description": "1,000 requests a day for a month, voice messages up to 10 minutes, documents up to 200 pages"}}'::jsonb
    ),
    (
      'premium_year',
      '{"ru": {"title": "Премиум на год", "description": "1 000 запросов в день на год"}, "en": {"title": "Premium for a year", "description": "1,000 requests a day for a year"}}'::jsonb,
      '{"ru": {"title": "Премиум на год", "description": "1 000 запросов в день на год, голосовые до 10 минут, документы до 200 страниц"}, "en": {"title": "Premium for a year", "description": "1,000 requests a day for a year, voice messages up to 10 minutes, documents up to 200 pages"}}'::jsonb
    )
  ) as n (key, before, after)
 where p.key = n.key and p.texts = n.before;
