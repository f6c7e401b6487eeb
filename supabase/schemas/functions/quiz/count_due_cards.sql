-- Counts the questions that a user should repeat now, at most 1000.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.count_due_cards(p_user_id bigint)
returns bigint
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select count(*)
      from (
        select from public.quiz_cards as c where c.user_id = p_user_id and c.due <= private.clock() limit 1000
      ) as due
  );
end
$$;

revoke all on function private.count_due_cards from public, anon, authenticated, service_role;
comment on function private.count_due_cards is 'Counts the questions that a user should repeat now';
