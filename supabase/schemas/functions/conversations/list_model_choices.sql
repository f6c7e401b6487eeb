-- Lists the models that users may choose between (/model) as public.list_ai_modes does, each with the price of a typical question:
-- 3,000 tokens in, 500 out.
--
-- p_provider, p_model: the standard model, whose price comes along.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   standard: numeric | null                  (US dollars; null: unknown)
--   choices: [ {
--     key: text
--     texts: product_texts
--     plan_feature: text | null
--     models: [ { provider: text, model: text, plan_feature: text | null, price: numeric | null } ]
--   } ]
-- Errors: none.
create or replace function public.list_model_choices(p_provider text, p_model text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_usage jsonb := '{"input_tokens": 3000, "output_tokens": 500}'::jsonb;
begin
  return jsonb_build_object(
    'standard', private.call_cost(p_provider, p_model, v_usage, '{}', private.clock())::text,
    'choices', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'key', c.value -> 'key', 'texts', c.value -> 'texts', 'plan_feature', c.value -> 'plan_feature',
              'models', (
                select jsonb_agg(
                    jsonb_build_object(
                      'provider', m.value -> 'provider', 'model', m.value -> 'model',
                      'plan_feature', m.value -> 'plan_feature',
                      'price', private.call_cost(
                        m.value ->> 'provider', m.value ->> 'model', v_usage, '{}', private.clock()
                      )::text
                    )
                    order by m.position
                  )
                  from jsonb_array_elements(c.value -> 'models') with ordinality as m (value, position)
              )
            )
            order by c.position
          ), '[]'::jsonb
        )
        from jsonb_array_elements(public.list_ai_modes('chat')) with ordinality as c (value, position)
    )
  );
end
$$;

revoke all on function public.list_model_choices from public, anon, authenticated, service_role;
grant execute on function public.list_model_choices to bot_backend;
comment on function public.list_model_choices is 'Lists the models that users may choose between';
