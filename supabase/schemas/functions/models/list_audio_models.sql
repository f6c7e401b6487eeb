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
