-- Returns the AI calls of a user in a month by provider, from counters.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     provider: text, calls: int, errors: int, user_api_key_calls: int, tokens_in: int, tokens_out: int,
--     cost: float, user_api_key_cost: float        (US dollars, as far as the provider says),
--     average_ms: int
--   } ]                                       (the most used first)
-- Errors: none.
create or replace function private.usage_by_provider(p_user_id bigint, p_month date)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'provider', s.provider,
          'calls', s.calls,
          'errors', s.errors,
          'user_api_key_calls', s.user_api_key_calls,
          'tokens_in', s.tokens_in,
          'tokens_out', s.tokens_out,
          'cost', s.cost,
          'user_api_key_cost', s.user_api_key_cost,
          'average_ms', round(s.ms / s.calls)
        )
        order by s.calls desc, s.provider
      ),
      '[]'
    )
    from (
      select
        m.provider, sum(m.calls) as calls, sum(m.errors) as errors,
        coalesce(sum(m.calls) filter (where m.is_user_api_key), 0) as user_api_key_calls,
        sum(m.tokens_in) as tokens_in, sum(m.tokens_out) as tokens_out, sum(m.cost) as cost,
        coalesce(sum(m.cost) filter (where m.is_user_api_key), 0) as user_api_key_cost, sum(m.ms) as ms
        from public.monthly_api_usage as m
       where m.user_id = p_user_id and m.month = p_month
       group by m.provider
    ) as s;
$$;

revoke all on function private.usage_by_provider from public, anon, authenticated, service_role;
comment on function private.usage_by_provider is 'Returns the AI calls of a user in a month by provider';
