-- Returns the most that pictures or videos cost: what the provider charges for one; for how many requests of a plan it counts
-- (setting picture_request_cost or video_request_cost); and what it costs from the balance (setting balance_usd_price).
--
-- p_calls: [{provider, model, conditions}], as private.call_cost takes them. A video is priced by the piece, or by its seconds:
-- those of the call, or else the most that the model makes (limits.output_seconds).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   prices: [ { cost: numeric | null, requests: int | null, amount: numeric | null } ]
--                                  (in the order of p_calls; null: the price is unknown)
--   made_with_ai: boolean          (the caption says so)
-- Errors: none.
create or replace function public.quote_generations(p_kind text, p_calls jsonb)
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
              greatest(ceil(p.cost / greatest(private.setting(u.setting)::numeric, 0.0001)), 1), 1000
            )::integer end,
            'amount', (ceil(p.cost * private.setting('balance_usd_price')::numeric * 100) / 100)::numeric(12, 2)::text
          )
          order by c.number
        ),
        '[]'
      ),
      'made_with_ai', private.setting('made_with_ai')::boolean
    )
    from (select case p_kind when 'video' then 'video_request_cost' else 'picture_request_cost' end as setting) as u
   cross join jsonb_array_elements(p_calls) with ordinality as c (call, number)
    left join public.ai_models as m on m.provider = c.call ->> 'provider' and m.model = c.call ->> 'model'
   cross join lateral (
     select case p_kind
         when 'video' then coalesce(
           private.call_cost(m.provider, m.model, '{"clip": 1}', c.call -> 'conditions', private.clock()),
           private.call_cost(
             m.provider,
             m.model,
             jsonb_build_object('second', coalesce(c.call -> 'conditions' -> 'duration', m.limits -> 'output_seconds')),
             c.call -> 'conditions',
             private.clock()
           )
         )
         else private.call_cost(m.provider, m.model, '{"image": 1}', c.call -> 'conditions', private.clock())
       end as cost
   ) as p;
$$;

revoke all on function public.quote_generations from public, anon, authenticated, service_role;
grant execute on function public.quote_generations to bot_backend;
comment on function public.quote_generations is 'Returns the most that pictures or videos cost';
