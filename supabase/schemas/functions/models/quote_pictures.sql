-- Returns the most that pictures cost: what the provider charges for one, and for how many requests of a plan it counts
-- (setting picture_request_cost).
--
-- p_calls: [{provider, model, conditions}], as private.call_cost takes them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   prices: [ { cost: numeric | null, requests: int | null } ]   (in the order of p_calls; null: the price is unknown)
--   made_with_ai: boolean                                         (the caption says so)
-- Errors: none.
create or replace function public.quote_pictures(p_calls jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'prices', coalesce(
        jsonb_agg(
          jsonb_build_object(
            'cost', p.cost::text,
            -- Of null and 1, least and greatest return 1.
            'requests', case when p.cost is not null then least(
              greatest(ceil(p.cost / greatest(private.setting('picture_request_cost')::numeric, 0.0001)), 1), 1000
            )::integer end
          )
          order by c.number
        ),
        '[]'
      ),
      'made_with_ai', private.setting('made_with_ai')::boolean
    )
    from jsonb_array_elements(p_calls) with ordinality as c (call, number)
   cross join lateral (
     select private.call_cost(
         c.call ->> 'provider', c.call ->> 'model', '{"image": 1}', c.call -> 'conditions', private.clock()
       ) as cost
   ) as p;
$$;

revoke all on function public.quote_pictures from public, anon, authenticated, service_role;
grant execute on function public.quote_pictures to bot_backend;
comment on function public.quote_pictures is 'Returns the most that pictures cost';
