-- Returns a promo code with its current state, for admins.
--
-- Concurrency: read-only; computed from the given row and the time.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   code: text
--   kind: 'month' | 'credits' | 'trainings' | 'percent'
--   value: int
--   plan: text | null
--   max_uses: int | null
--   uses: int
--   valid_from: timestamptz
--   valid_until: timestamptz | null
--   is_active: boolean
--   note: text | null
--   created_at: timestamptz
--   batch_id: bigint | null
--   state: 'active' | 'off' | 'used_up' | 'over' | 'not_yet'
-- Errors: none.
create or replace function private.promocode_details(p_promocode public.promocodes)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(p_promocode) || jsonb_build_object(
    'state', case
      when not p_promocode.is_active then 'off'
      when p_promocode.valid_until <= private.clock() then 'over'
      when p_promocode.uses >= p_promocode.max_uses then 'used_up'
      when p_promocode.valid_from > private.clock() then 'not_yet'
      else 'active'
    end
  );
$$;

revoke all on function private.promocode_details from public, anon, authenticated, service_role;
comment on function private.promocode_details is 'A promo code with its current state';
