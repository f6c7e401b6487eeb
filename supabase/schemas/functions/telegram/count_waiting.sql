-- Counts the ordinary messages of a bot that wait in the outbox, up to p_limit.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.count_waiting(p_bot text, p_now timestamptz, p_limit integer)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from (
      select
        from public.telegram_outbox as o
       where o.bot = p_bot and o.send_after <= p_now
       limit p_limit
    ) as w;
$$;

revoke all on function private.count_waiting from public, anon, authenticated, service_role;
comment on function private.count_waiting is 'Counts the messages of a bot that wait in the outbox';
