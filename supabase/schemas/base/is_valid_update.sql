-- Returns whether the states and the reserved cost of an update are possible values: the CHECK of telegram_updates.
-- Postgres parses the text of a constraint anew in each statement that writes a row, but a function once per connection.
-- A change needs a migration that also adds the constraint again, because Postgres does not check old rows otherwise.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean, null (which a CHECK accepts) where a value is null and none is wrong.
-- Errors: none.
create or replace function private.is_valid_update(
  p_status text, p_reservation text, p_reserved_from text, p_reserved_cost numeric
)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_status in ('working', 'failed', 'finished', 'dead_lettered')
    and p_reservation in (
      'reserved', 'user_api_key', 'settled', 'released', 'refused', 'in_progress', 'user_cost', 'bot_cost',
      'user_month', 'bot_month'
    )
    and p_reserved_from in ('plan', 'bonus')
    and p_reserved_cost >= 0;
end
$$;

revoke all on function private.is_valid_update from public, anon, authenticated, service_role;
comment on function private.is_valid_update is 'Whether the states and the reserved cost of an update are possible';
