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
