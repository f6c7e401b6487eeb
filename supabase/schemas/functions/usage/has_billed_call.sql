-- Tells whether the owner paid for any of an update's calls to AI providers.
--
-- Twice or at once: only computes.
-- Returns: true when a call on the owner's key has a cost, however small. p_usage: see private.record_usage.
-- Errors: none.
create or replace function private.has_billed_call(p_usage jsonb)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from jsonb_array_elements(p_usage) as c (call)
     where c.call ->> 'cost' is not null and not coalesce((c.call ->> 'is_user_api_key')::boolean, false)
  );
$$;

revoke all on function private.has_billed_call from public, anon, authenticated, service_role;
comment on function private.has_billed_call is 'Whether the owner paid for any of an update''s calls to AI providers';
