-- Videos.

-- quote_generations does its work: pictures and videos are announced for the first time with it.
-- squawk-ignore ban-drop-function
drop function public.quote_pictures(p_calls jsonb);

alter table public.ai_modes add column paid_from text default 'requests'::text not null;

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
    )
  );
$$;

revoke all on function public.offered_features from public, anon, authenticated, service_role;
grant execute on function public.offered_features to bot_backend;
comment on function public.offered_features is 'Returns what the owner offers';

-- Returns what a user asked for with a job, and its files, for making it again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'
--   kind?: 'image' | 'video'                            (found, as all that follows)
--   request?: jsonb
--   state?: text
--   files?: [ { key: text | null, mime: text | null, width: int | null, height: int | null, duration: float | null } ]
--   telegram_files?: [ { kind: text, file_id: text } ]
-- Errors: none.
create or replace function public.get_generation_request(p_user_id bigint, p_bot text, p_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (
        select jsonb_build_object(
            'outcome', 'found', 'kind', g.kind, 'request', g.request, 'state', g.state, 'files', g.files,
            'telegram_files', g.telegram_files
          )
          from public.generations as g
         where g.id = p_id and g.user_id = p_user_id and g.bot = p_bot
      ),
      jsonb_build_object('outcome', 'unknown')
    );
$$;

revoke all on function public.get_generation_request from public, anon, authenticated, service_role;
grant execute on function public.get_generation_request to bot_backend;
comment on function public.get_generation_request is 'Returns what a user asked for with a job';

-- Lists the modes of a kind that can be used today, each with the models to try: its own, then its fallback. A model that is
-- disabled or switched off by its provider is left out, and so is a mode without a model. The setting videos_enabled takes out
-- all modes that make videos.
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
   where m.kind = p_kind
     and m.enabled
     and (m.kind <> 'video' or private.setting('videos_enabled')::boolean)
     and u.models is not null;
$$;

revoke all on function public.list_ai_modes from public, anon, authenticated, service_role;
grant execute on function public.list_ai_modes to bot_backend;
comment on function public.list_ai_modes is 'Lists the modes of a kind that can be used today';

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

-- squawk-ignore constraint-missing-not-valid
alter table public.ai_modes add constraint ai_modes_paid_from_check CHECK ((paid_from = ANY (ARRAY['requests'::text, 'balance'::text])));

comment on column public.ai_modes.paid_from is 'What pays for pictures and videos: requests of the plan, then bonus credits; or the balance';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "balance_usd_price", "about": "What a user pays from the balance for each US dollar that a provider charges, in balance_currency; of modes with paid_from = balance", "value": 150}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "video_request_cost", "about": "US dollars of a video that one request of a plan covers", "value": 0.05}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "videos_enabled", "about": "Users can make videos; false: /video does not exist", "value": true}') on conflict do nothing;
