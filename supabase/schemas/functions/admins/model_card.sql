-- Returns a model for an admin: its prices of today, the modes of its kind, and the figures of 30 days. A day is one of the setting
-- quota_timezone.
--
-- Concurrency: read-only. The figures are counters of 30 days (daily_totals), by the day of its primary key.
-- Locks: none.
-- Returns: jsonb
--   key: text                                  (private.model_key)
--   provider: text
--   model: text
--   kind: text
--   enabled: boolean
--   shutdown_on: date | null
--   has_ended: boolean
--   prices: [ { component: text, conditions: jsonb, price: numeric } ]
--   modes: [ { key: text, texts: product_texts, enabled: boolean, use: 'own' | 'fallback' | null } ]
--                                              (of its kind, by position; use null: another model)
--   requests: int                              (of 30 days, and so the rest)
--   cost: numeric                              (US dollars, without users' own keys)
--   sold_cost: numeric                         (part of cost that the balance paid for)
--   sold_amount: numeric                       (what users paid for it from their balance, in balance_currency)
-- Errors: none.
create or replace function private.model_card(p_model public.ai_models)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_day date := (private.clock() at time zone 'UTC')::date;
  v_figures record;
begin
  select coalesce(sum(t.requests), 0) as requests, coalesce(sum(t.cost), 0) as cost, coalesce(sum(t.sold_cost), 0) as sold_cost,
    coalesce(sum(t.sold_amount), 0) as sold_amount
    into v_figures
    from public.daily_totals as t
   where t.day between v_today - 29 and v_today
     and t.provider = p_model.provider and t.model = p_model.model and not t.is_user_api_key;
  return jsonb_build_object(
    'key', private.model_key(p_model.provider, p_model.model),
    'provider', p_model.provider,
    'model', p_model.model,
    'kind', p_model.kind,
    'enabled', p_model.enabled,
    'shutdown_on', p_model.shutdown_on,
    'has_ended', coalesce(p_model.shutdown_on <= v_day, false),
    'prices', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('component', c.component, 'conditions', c.conditions, 'price', trim_scale(c.price_usd)::text)
            order by c.component, c.price_usd, c.conditions::text
          ),
          '[]'::jsonb
        )
        from (
          select distinct on (p.component, p.conditions) p.component, p.conditions, p.price_usd
            from public.ai_model_prices as p
           where p.provider = p_model.provider and p.model = p_model.model
             and p.valid_from <= v_day
             and (p.valid_until is null or p.valid_until > v_day)
           order by p.component, p.conditions, p.valid_from desc
        ) as c
    ),
    'modes', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'key', d.key,
              'texts', d.texts,
              'enabled', d.enabled,
              'use', case (p_model.provider, p_model.model)
                when (d.provider, d.model) then 'own'
                when (d.fallback_provider, d.fallback_model) then 'fallback'
              end
            )
            order by d.position, d.key
          ),
          '[]'::jsonb
        )
        from public.ai_modes as d
       where d.kind = p_model.kind
    ),
    'requests', v_figures.requests,
    'cost', round(v_figures.cost, 2)::text,
    'sold_cost', round(v_figures.sold_cost, 2)::text,
    'sold_amount', round(v_figures.sold_amount, 2)::text
  );
end
$$;

revoke all on function private.model_card from public, anon, authenticated, service_role;
comment on function private.model_card is 'Returns a model for an admin';
