-- Returns whether an AI provider charged the owner for any answer of an update: a call on the owner's key that has a
-- cost, however small. A transcription is no answer: the user whose voice message holds no word gets nothing for it.
-- p_usage: see private.record_usage.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.has_billed_call(p_usage jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select exists (
      select from jsonb_array_elements(p_usage) as c (call)
       where c.call ->> 'cost' is not null
         and c.call ->> 'kind' is distinct from 'transcription'
         and not coalesce((c.call ->> 'is_user_api_key')::boolean, false)
    )
  );
end
$$;

revoke all on function private.has_billed_call from public, anon, authenticated, service_role;
comment on function private.has_billed_call is 'Returns whether an AI provider charged the owner for any call of an update';
