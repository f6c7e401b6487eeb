-- Measures the bots' own queues: the age of the oldest call that was not delivered, updates that were dead-lettered in 24 hours,
-- and payments and refunds in doubt.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); names are empty.
-- Errors: none.
create or replace function private.bot_figures()
returns table (kind text, value numeric, names text[])
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select 'outbox_minutes', coalesce(extract(epoch from private.clock() - min(o.created_at)) / 60, 0), array[]::text[]
    from public.telegram_outbox as o
  union all
  select 'dead_letters', count(*), array[]::text[]
    from public.telegram_updates as t
   where t.status = 'dead_lettered' and t.received_at > (select private.clock()) - interval '1 day'
  union all
  select 'payments_in_doubt',
         (select count(*) from public.payments as p where p.problem is not null and p.status = 'completed')
         + (select count(*) from public.refunds as r where r.status = 'unknown'),
         array[]::text[];
$$;

revoke all on function private.bot_figures from public, anon, authenticated, service_role;
comment on function private.bot_figures is 'Measures the bots'' own queues';
