-- Leases due keys of the queue of deletions for five minutes, the oldest first, at most p_limit.
--
-- Concurrency: each key is locked, skipped by other jobs, and its next attempt moved five minutes ahead.
-- Locks: queued keys (FOR UPDATE SKIP LOCKED), by next_attempt_at.
-- Returns: jsonb
--   [ text ]
-- Errors: none.
create or replace function public.claim_storage_deletions(p_limit integer)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select d.key
      from private.storage_deletions as d
     where d.next_attempt_at <= (select private.clock())
     order by d.next_attempt_at, d.key
     limit p_limit
       for update skip locked
  ), claimed as (
    update private.storage_deletions as d
       set next_attempt_at = private.clock() + interval '5 minutes', attempts = d.attempts + 1
      from due
     where d.key = due.key
    returning d.key
  )
  select coalesce(jsonb_agg(c.key order by c.key), '[]'::jsonb) from claimed as c;
$$;

revoke all on function public.claim_storage_deletions from public, anon, authenticated, service_role;
grant execute on function public.claim_storage_deletions to bot_backend;
comment on function public.claim_storage_deletions is 'Leases due keys of the queue of deletions';
