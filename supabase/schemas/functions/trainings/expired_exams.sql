-- Returns exams whose time is over and that are still open, the oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ bigint ]             (trainings)
-- Errors: none.
create or replace function public.expired_exams(p_limit integer default 50)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(e.id order by e.id), '[]')
    from (
      select t.id
        from public.trainings as t
       where t.mode = 'exam'
         and t.status = 'open'
         -- A question that was sent in time is answered first.
         and private.exam_ends_at(t) < private.clock() - interval '2 minutes'
         and coalesce(t.turn_lease_until, '-infinity') < private.clock()
       order by t.id
       limit p_limit
    ) as e;
$$;

revoke all on function public.expired_exams from public, anon, authenticated, service_role;
grant execute on function public.expired_exams to bot_backend;
comment on function public.expired_exams is 'Returns exams whose time is over and that are still open';
