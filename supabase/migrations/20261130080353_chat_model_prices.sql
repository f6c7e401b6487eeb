-- Chat model prices.

-- Lists the chat models with what a million tokens of each cost today, for the estimate before a question. Models that are
-- disabled or shut down are listed too, because a question to one of them still needs an estimate.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     provider: text
--     model: text
--     input_price: text | null      (US dollars for a million tokens; null: unknown)
--     output_price: text | null
--     context_tokens: int | null
--   } ]
-- Errors: none.
create or replace function public.list_chat_models()
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'provider', m.provider,
          'model', m.model,
          'input_price', private.call_cost(m.provider, m.model, '{"input_tokens": 1000000}', '{}', private.clock())::text,
          'output_price', private.call_cost(m.provider, m.model, '{"output_tokens": 1000000}', '{}', private.clock())::text,
          'context_tokens', (m.limits ->> 'context_tokens')::integer
        )
        order by m.provider, m.model
      ),
      '[]'
    )
    from public.ai_models as m
   where m.kind = 'chat';
$$;

revoke all on function public.list_chat_models from public, anon, authenticated, service_role;
grant execute on function public.list_chat_models to bot_backend;
comment on function public.list_chat_models is 'Lists the chat models with their prices of today';

insert into public.ai_models ("kind", "model", "limits", "source", "enabled", "provider", "parameters", "shutdown_on", "plan_feature") select "kind", "model", "limits", "source", "enabled", "provider", "parameters", "shutdown_on", "plan_feature"
from jsonb_populate_record(null::public.ai_models, '{"kind": "chat", "model": "openai/gpt-5.4-mini", "limits": {"output_tokens": 128000, "context_tokens": 272000}, "source": "openrouter.ai/openai/gpt-5.4-mini", "enabled": true, "provider": "openrouter", "parameters": {}, "shutdown_on": null, "plan_feature": null}') on conflict do nothing;

insert into public.ai_model_prices ("model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until") select "model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until"
from jsonb_populate_record(null::public.ai_model_prices, '{"model": "openai/gpt-5.4-mini", "source": "openrouter.ai/openai/gpt-5.4-mini", "provider": "openrouter", "component": "input_tokens", "price_usd": 0.75, "conditions": {}, "valid_from": "-infinity", "valid_until": null}') on conflict do nothing;

insert into public.ai_model_prices ("model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until") select "model", "source", "provider", "component", "price_usd", "conditions", "valid_from", "valid_until"
from jsonb_populate_record(null::public.ai_model_prices, '{"model": "openai/gpt-5.4-mini", "source": "openrouter.ai/openai/gpt-5.4-mini", "provider": "openrouter", "component": "output_tokens", "price_usd": 4.5, "conditions": {}, "valid_from": "-infinity", "valid_until": null}') on conflict do nothing;
