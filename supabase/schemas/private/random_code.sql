-- Makes a short code that nobody can guess, from letters and digits that nobody confuses.
--
-- Twice or at once: every call gives another code; 12 characters are 60 bits of the random UUID.
-- Returns: 12 characters of 23456789abcdefghjkmnpqrstuvwxyz and the digit 0.
-- Errors: none.
create or replace function private.random_code()
returns text
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  -- Bytes 6 and 8 of a random UUID hold its version; a hash spreads the random bits over all of them.
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
