-- Returns when the next job is due, of those that are due within p_seconds. For the worker that ends a run.
--
-- p_providers: as in public.claim_generations.
--
-- Concurrency: read-only. A leased job counts once its worker has given it back, and looks then.
-- Locks: none.
-- Returns: jsonb
--   milliseconds: int | null   (0: now; null: none)
-- Errors: none.
create or replace function public.next_generation(p_providers jsonb, p_seconds integer)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'milliseconds', (
      select greatest(ceil(extract(epoch from g.due_at - (select private.clock())) * 1000)::integer, 0)
        from public.generations as g
       where g.due_at <= (select private.clock()) + make_interval(secs => p_seconds)
         and (g.lease_until is null or g.lease_until <= (select private.clock()))
         and p_providers ? g.provider
       order by g.due_at
       limit 1
    )
  );
$$;

revoke all on function public.next_generation from public, anon, authenticated, service_role;
grant execute on function public.next_generation to bot_backend;
comment on function public.next_generation is 'When the next job is due';
