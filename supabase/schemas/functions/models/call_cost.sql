-- Computes what a call to an AI model costs from its usage and the prices of a day, for providers that do not report the cost.
--
-- p_usage {component: quantity}, as in ai_model_prices: {"input_tokens": 900, "cached_tokens": 600, "output_tokens": 80},
-- {"second": 8}. cached_tokens are part of input_tokens, and cost the same where they have no price of their own. A quantity of
-- null is unknown. p_conditions: the parameters of the call, {"resolution": "720p", "sound": true}.
--
-- Of the prices whose conditions the call meets, the one with most conditions counts; of these the newest, and then the highest.
-- The price is that of the tokens when each kind of token has one, otherwise that of the units (image, second, …). A second is
-- a sixtieth of a minute where only the other has a price. Searches of the web (search) are added to either.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, US dollars with 8 decimals, at most 999999; null where a price or a quantity is unknown.
-- Errors: none.
create or replace function private.call_cost(
  p_provider text, p_model text, p_usage jsonb, p_conditions jsonb, p_at timestamptz
)
returns numeric
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day date := (p_at at time zone 'UTC')::date;
  v_prices jsonb;
  v_cached numeric;
  v_component text;
  v_value jsonb;
  v_quantity numeric;
  v_amount numeric;
  v_tokens numeric := 0;
  v_units numeric := 0;
  v_searches numeric := 0;
  v_has_tokens boolean := false;
  v_has_units boolean := false;
begin
  -- Of a repeated key the last value stays.
  select jsonb_object_agg(p.component, p.price_usd order by p.specificity, p.valid_from, p.price_usd)
    into v_prices
    from public.ai_model_prices as p
   where p.provider = p_provider and p.model = p_model
     and p.valid_from <= v_day
     and (p.valid_until is null or p.valid_until > v_day)
     and p_conditions @> p.conditions;
  if v_prices is null or jsonb_typeof(p_usage) is distinct from 'object' then
    return null;
  end if;
  if v_prices ? 'minute' and not v_prices ? 'second' then
    v_prices := v_prices || jsonb_build_object('second', (v_prices ->> 'minute')::numeric / 60);
  elsif v_prices ? 'second' and not v_prices ? 'minute' then
    v_prices := v_prices || jsonb_build_object('minute', (v_prices ->> 'second')::numeric * 60);
  end if;
  -- Null when one of the two is unknown: least() would ignore it.
  if jsonb_typeof(p_usage -> 'cached_tokens') = 'number' and jsonb_typeof(p_usage -> 'input_tokens') = 'number' then
    v_cached := least((p_usage ->> 'cached_tokens')::numeric, (p_usage ->> 'input_tokens')::numeric);
  end if;

  for v_component, v_value in select e.key, e.value from jsonb_each(p_usage) as e loop
    v_quantity := case when jsonb_typeof(v_value) = 'number' and v_value >= '0' then v_value::numeric end;
    v_quantity := case v_component
      when 'input_tokens' then v_quantity - coalesce(v_cached, 0)
      when 'cached_tokens' then v_cached
      else v_quantity
    end;
    v_amount := case when v_quantity = 0 then 0 else v_quantity * coalesce(
      v_prices ->> v_component, case v_component when 'cached_tokens' then v_prices ->> 'input_tokens' end
    )::numeric end;
    if right(v_component, 7) = '_tokens' then
      v_has_tokens := true;
      v_tokens := v_tokens + v_amount;
    elsif v_component = 'search' then
      v_searches := v_amount;
    else
      v_has_units := true;
      v_units := v_units + v_amount;
    end if;
  end loop;
  v_amount := v_searches
    + coalesce(
      case when v_has_tokens then v_tokens / 1000000 end,
      case when v_has_units then v_units end,
      case when not v_has_tokens and not v_has_units and p_usage ? 'search' then 0 end
    );
  return case when v_amount < 999999 then round(v_amount, 8) when v_amount is not null then 999999 end;
end
$$;

revoke all on function private.call_cost from public, anon, authenticated, service_role;
comment on function private.call_cost is 'Computes what a call to an AI model costs';
