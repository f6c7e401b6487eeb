-- Finds prices that change so much that a digit may be wrong: at least threefold, or to a third or less.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb, {currency: the factor, text with at most two decimals}.
-- Errors: none.
create or replace function private.price_jumps(p_before jsonb, p_after jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(t.currency, trim_scale(greatest(round(t.times, 2), 0.01))::text), '{}')
    from (
      select a.key as currency, a.value::numeric / (p_before ->> a.key)::numeric as times
        from jsonb_each_text(p_after) as a
       where p_before ? a.key
    ) as t
   where t.times >= 3 or t.times * 3 <= 1;
$$;

revoke all on function private.price_jumps from public, anon, authenticated, service_role;
comment on function private.price_jumps is 'Finds prices that change so much that a digit may be wrong';
