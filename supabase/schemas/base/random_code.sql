-- Generates a short unguessable code without easily confused characters.
--
-- Concurrency: every call returns a new code; 12 characters carry 60 bits of a random UUID.
-- Locks: none.
-- Returns: text, 12 characters of 023456789abcdefghjkmnpqrstuvwxyz.
-- Errors: none.
create or replace function private.random_code()
returns text
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  -- Bytes 6 and 8 of a random UUID are partly fixed (version and variant); the hash spreads the random bits over all bytes.
  select string_agg(
    substr(
      '023456789abcdefghjkmnpqrstuvwxyz',
      get_byte(h.digest, i.position) % 32 + 1,
      1
    ),
    '' order by i.position
  )
  from (
    select sha256(
      convert_to(gen_random_uuid()::text, 'UTF8')
    ) as digest
  ) as h
  cross join generate_series(0, 11) as i (position);
$$;

revoke all on function private.random_code from public, anon, authenticated, service_role;
comment on function private.random_code is 'A short unguessable code';
