-- Returns a batch of promo codes with its counts, for admins.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   prefix: text
--   kind: 'month' | 'credits' | 'trainings' | 'percent'
--   value: int
--   size: int
--   used: int
--   is_active: boolean             (false: switched off)
--   valid_until: timestamptz | null
--   note: text | null
--   created_at: timestamptz
-- Errors: none.
create or replace function private.promocode_batch(p_batch public.promocode_batches)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(p_batch) - 'reference' || jsonb_build_object(
    'used', count(*) filter (where p.uses > 0), 'is_active', coalesce(bool_or(p.is_active), false)
  )
    from public.promocodes as p
   where p.batch_id = p_batch.id;
$$;

revoke all on function private.promocode_batch from public, anon, authenticated, service_role;
comment on function private.promocode_batch is 'A batch of promo codes with its counts';
