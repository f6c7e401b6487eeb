-- Lists the AI models of a kind for an admin, by provider and name, page by page; with p_key only that one. Without both it counts the
-- models of each kind.
--
-- Concurrency: read-only. A page starts behind p_after, so a new model does not shift it.
-- Locks: none.
-- Returns: jsonb
--   kinds: [ { kind: text, models: int, usable: int } ]   (usable: enabled and not ended)
--   models: [ private.model_card ]
--   next: text | null                         (p_after of the next page)
--   balance_currency: text
-- Errors: N0001 not an admin.
create or replace function public.admin_models(
  p_admin_email text, p_kind text default null, p_key text default null, p_after text default null, p_limit integer default 8
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 20);
  v_keys text[];
begin
  perform private.require_admin(p_admin_email);
  if p_key is not null then
    v_keys := array[p_key];
  else
    v_keys := array(
      select private.model_key(m.provider, m.model)
        from public.ai_models as m
       where m.kind = p_kind
         and (
           p_after is null
           or (m.provider, m.model) > (
             select a.provider, a.model from public.ai_models as a where private.model_key(a.provider, a.model) = p_after
           )
         )
       order by m.provider, m.model
       limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'kinds', (
      select coalesce(jsonb_agg(jsonb_build_object('kind', k.kind, 'models', k.models, 'usable', k.usable) order by k.kind), '[]'::jsonb)
        from (
          select m.kind, count(*) as models,
            count(*) filter (
              where m.enabled and coalesce(m.shutdown_on > (private.clock() at time zone 'UTC')::date, true)
            ) as usable
            from public.ai_models as m
           group by m.kind
        ) as k
    ),
    'models', (
      select coalesce(jsonb_agg(private.model_card(m) order by m.provider, m.model), '[]'::jsonb)
        from public.ai_models as m
       where private.model_key(m.provider, m.model) = any (v_keys[:v_limit])
    ),
    'next', case when cardinality(v_keys) > v_limit then v_keys[v_limit] end,
    'balance_currency', private.setting('balance_currency')
  );
end
$$;

revoke all on function public.admin_models from public, anon, authenticated, service_role;
grant execute on function public.admin_models to bot_backend, service_role;
comment on function public.admin_models is 'Lists the AI models of a kind for an admin';
