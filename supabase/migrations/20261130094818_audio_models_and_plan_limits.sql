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

-- Admin models.

alter table public.daily_totals add column sold_amount numeric(14,2) default 0 not null;

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

-- Gives a mode another model in an admin's name. The fallback stays, unless it is of the new model's provider: then the model that
-- the mode had becomes the fallback, since a fallback is of another provider.
--
-- Concurrency: the rows of model and mode are locked. With a reference it acts once.
-- Locks: model, mode (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     outcome: 'applied'   (changed, or it was like this already; also for a repetition)
--       | 'unusable'       (the model is disabled or has ended)
--     model: private.model_card
--   } | null               (no such model, or no such mode of its kind)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, mode or model.
create or replace function public.admin_set_mode_model(
  p_mode text, p_key text, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_model public.ai_models := private.lock_model(p_key);
  v_known public.audit_log := case when v_model.model is not null then private.find_audit_entry(p_reference, 'set_mode_model', null) end;
  v_mode public.ai_modes;
  v_after jsonb := jsonb_build_object('mode', p_mode, 'provider', v_model.provider, 'model', v_model.model);
begin
  select d.* into v_mode
    from public.ai_modes as d
   where d.key = p_mode and d.kind = v_model.kind
     for no key update;
  if v_mode.key is null then
    return null;
  end if;
  if v_known.id is not null then
    if v_known.after <> v_after then
      raise exception 'the reference was used with another mode or model' using errcode = 'N0003';
    end if;
  elsif not v_model.enabled or v_model.shutdown_on <= (private.clock() at time zone 'UTC')::date then
    return jsonb_build_object('outcome', 'unusable', 'model', private.model_card(v_model));
  elsif (v_mode.provider, v_mode.model) <> (v_model.provider, v_model.model) then
    update public.ai_modes as d
       set provider = v_model.provider,
           model = v_model.model,
           fallback_provider = case when d.fallback_provider = v_model.provider then d.provider else d.fallback_provider end,
           fallback_model = case when d.fallback_provider = v_model.provider then d.model else d.fallback_model end
     where d.key = p_mode;
    perform private.write_audit(
      v_email, 'set_mode_model', null, p_reference,
      jsonb_build_object('mode', p_mode, 'provider', v_mode.provider, 'model', v_mode.model), v_after
    );
  end if;
  return jsonb_build_object('outcome', 'applied', 'model', private.model_card(v_model));
end
$$;

revoke all on function public.admin_set_mode_model from public, anon, authenticated, service_role;
grant execute on function public.admin_set_mode_model to bot_backend, service_role;
comment on function public.admin_set_mode_model is 'Gives a mode another model';

-- Enables or disables an AI model in an admin's name. A disabled model is in no mode; its calls and prices stay.
--
-- Concurrency: the model's row is locked. With a reference it acts once.
-- Locks: model (NO KEY UPDATE).
-- Returns: jsonb
--   private.model_card | null      (as it is now; null: no such model)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, model or state.
create or replace function public.admin_switch_model(
  p_key text, p_is_active boolean, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_model public.ai_models := private.lock_model(p_key);
  v_known public.audit_log := case when v_model.model is not null then private.find_audit_entry(p_reference, 'switch_model', null) end;
  v_after jsonb := jsonb_build_object('provider', v_model.provider, 'model', v_model.model, 'is_active', p_is_active);
begin
  if v_model.model is null then
    return null;
  end if;
  if v_known.id is not null then
    if v_known.after <> v_after then
      raise exception 'the reference was used with another model or state' using errcode = 'N0003';
    end if;
  elsif v_model.enabled <> p_is_active then
    update public.ai_models as m
       set enabled = p_is_active
     where m.provider = v_model.provider and m.model = v_model.model
    returning m.* into v_model;
    perform private.write_audit(
      v_email, 'switch_model', null, p_reference, v_after || jsonb_build_object('is_active', not p_is_active), v_after
    );
  end if;
  return private.model_card(v_model);
end
$$;

revoke all on function public.admin_switch_model from public, anon, authenticated, service_role;
grant execute on function public.admin_switch_model to bot_backend, service_role;
comment on function public.admin_switch_model is 'Enables or disables an AI model';

-- Reads a model by its short name (private.model_key) and locks it until the transaction ends.
--
-- Concurrency: the second caller waits for the first.
-- Locks: model (NO KEY UPDATE).
-- Returns: public.ai_models, the model; null for no such one.
-- Errors: none.
create or replace function private.lock_model(p_key text)
returns public.ai_models
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_model public.ai_models;
begin
  select m.* into v_model
    from public.ai_models as m
   where private.model_key(m.provider, m.model) = p_key
     for no key update;
  return v_model;
end
$$;

revoke all on function private.lock_model from public, anon, authenticated, service_role;
comment on function private.lock_model is 'Reads a model by its short name and locks it until the transaction ends';

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

-- Returns the short name of a model that fits into the data of a button, since ids are too long for it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, ten hexadecimal digits.
-- Errors: none.
create or replace function private.model_key(p_provider text, p_model text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select left(md5(p_provider || ' ' || p_model), 10);
$$;

revoke all on function private.model_key from public, anon, authenticated, service_role;
comment on function private.model_key is 'Returns the short name of a model that fits into the data of a button';

-- Records the call to the provider of a job (private.record_usage). The cost of a job that was paid for from the balance is
-- left out of the daily cost limits and the monthly budgets; what the user paid for it is counted beside it. A job that succeeded
-- at a provider that reports no cost costs what the catalogue said before it (generations.max_cost).
--
-- Concurrency: the caller has locked the job, and records once, when it changes its state.
-- Locks: as private.record_usage.
-- Returns: void
-- Errors: none.
create or replace function private.record_generation_usage(
  p_job public.generations, p_status text, p_cost numeric, p_usage jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day date := (v_now at time zone private.setting('quota_timezone'))::date;
  v_update public.telegram_updates;
  v_cost numeric := case when p_status = 'ok' then coalesce(p_cost, p_job.max_cost) else p_cost end;
  v_amount numeric := 0;
begin
  v_update.user_id := p_job.user_id;
  v_update.bot := p_job.bot;
  v_update.update_id := p_job.id;
  perform private.record_usage(
    v_update,
    jsonb_build_array(
      coalesce(p_usage, '{}') || jsonb_build_object(
        'provider', p_job.provider, 'model', p_job.model, 'kind', p_job.kind, 'status', p_status, 'cost', v_cost,
        'is_user_api_key', p_job.request ? 'user_api_key',
        'ms', (extract(epoch from v_now - coalesce(p_job.submitted_at, v_now)) * 1000)::bigint
      )
    ),
    p_status = 'ok'
  );
  if p_job.is_sold and v_cost > 0 then
    update public.monthly_api_usage as m
       set day_cost = greatest(m.day_cost - v_cost, 0), sold_cost = m.sold_cost + v_cost
     where m.user_id = p_job.user_id and m.month = date_trunc('month', v_day::timestamp)::date
       and m.provider = p_job.provider and m.model = p_job.model and not m.is_user_api_key;
    if p_status = 'ok' then
      select coalesce(sum(e.amount), 0) into v_amount
        from public.generation_effects as e
       where e.generation_id = p_job.id;
    end if;
    update public.daily_totals as t
       set sold_cost = t.sold_cost + v_cost,
           sold_amount = t.sold_amount + v_amount
     where t.day = v_day and t.bot = p_job.bot and t.provider = p_job.provider and t.model = p_job.model
       and not t.is_user_api_key and t.shard = p_job.id & 15;
  end if;
end
$$;

revoke all on function private.record_generation_usage from public, anon, authenticated, service_role;
comment on function private.record_generation_usage is 'Records the call to the provider of a job';

comment on column public.daily_totals.sold_amount is 'What users paid for it from their balance, in the currency of the setting balance_currency';
