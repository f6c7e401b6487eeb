-- Returns the number by which a user without a display name is shown on boards: five digits that do not tell users.id. Two
-- users may have the same.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, 10000 to 99999, always the same for a user.
-- Errors: none.
create or replace function private.board_number(p_user_id bigint)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select 10000 + mod(abs(hashtextextended(p_user_id::text, 4821) / 2), 90000)::integer;
$$;

revoke all on function private.board_number from public, anon, authenticated, service_role;
comment on function private.board_number is 'Returns the number by which a user is shown on boards';
