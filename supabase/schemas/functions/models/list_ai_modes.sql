-- Lists the modes of a kind that can be used today, each with the models to try: its own, then its fallback. A model that is
-- disabled or switched off by its provider is left out, and so is a mode without a model. The setting videos_enabled takes out
-- all modes that make videos.
--
-- p_kind: as in ai_modes; 'search': those of kind chat that search the web, which 'chat' leaves out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     texts: product_texts
--     parameters: jsonb                       (the defaults of a call)
--     plan_feature: text | null
--     paid_from: 'requests' | 'balance'
--     models: [ { provider: text, model: text, parameters: jsonb, limits: jsonb, plan_feature: text | null } ]
--   } ]                                       (by position: the first one is the default)
-- Errors: none.
create or replace function public.list_ai_modes(p_kind text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'key', m.key,
          'texts', m.texts,
          'parameters', m.parameters,
          'plan_feature', m.plan_feature,
          'paid_from', m.paid_from,
          'models', u.models
        )
        order by m.position, m.key
      ),
      '[]'
    )
    from public.ai_modes as m
   cross join lateral (
     select jsonb_agg(
         jsonb_build_object(
           'provider', a.provider,
           'model', a.model,
           'parameters', a.parameters,
           'limits', a.limits,
           'plan_feature', a.plan_feature
         )
         order by (a.provider, a.model) <> (m.provider, m.model)
       ) as models
       from public.ai_models as a
      where (a.provider, a.model) in ((m.provider, m.model), (m.fallback_provider, m.fallback_model))
        and a.enabled
        and coalesce(a.shutdown_on > (private.clock() at time zone 'UTC')::date, true)
   ) as u
   where p_kind = case when m.kind = 'chat' and m.parameters ? 'searches' then 'search' else m.kind end
     and m.enabled
     and (m.kind <> 'video' or private.setting('videos_enabled')::boolean)
     and u.models is not null;
$$;

revoke all on function public.list_ai_modes from public, anon, authenticated, service_role;
grant execute on function public.list_ai_modes to bot_backend;
comment on function public.list_ai_modes is 'Lists the modes of a kind that can be used today';
