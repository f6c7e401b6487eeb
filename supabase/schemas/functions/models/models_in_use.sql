-- Lists the models that enabled modes use, their fallbacks included, and all models of the catalogue. Those that the settings
-- name are known to the functions alone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   used: [ { provider: text, model: text, kind: text, mode: text } ]
--   known: [ { provider: text, model: text, kind: text } ]
-- Errors: none.
create or replace function public.models_in_use()
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'used', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object('provider', m.provider, 'model', m.model, 'kind', m.kind, 'mode', d.key)
              order by d.kind, d.position, d.key, m.provider
            ),
            '[]'
          )
          from public.ai_modes as d
          join public.ai_models as m
            on (m.provider, m.model) in ((d.provider, d.model), (d.fallback_provider, d.fallback_model))
         where d.enabled and m.enabled
      ),
      'known', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object('provider', m.provider, 'model', m.model, 'kind', m.kind)
              order by m.provider, m.model
            ),
            '[]'
          )
          from public.ai_models as m
      )
    );
$$;

revoke all on function public.models_in_use from public, anon, authenticated, service_role;
grant execute on function public.models_in_use to bot_backend;
comment on function public.models_in_use is 'Lists the models that enabled modes use, and all of the catalogue';
