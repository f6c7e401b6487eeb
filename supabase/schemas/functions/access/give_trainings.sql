-- Gives a user free trainings, once for each source and reference.
--
-- Concurrency: source and reference are unique for a user; the second call waits for the first and changes nothing.
-- Locks: none.
-- Returns: boolean, whether they were given now; false for a repeated reference.
-- Errors: Z0001, the number of trainings is invalid.
create or replace function private.give_trainings(
  p_user_id bigint, p_source text, p_reference text, p_quantity integer
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the number of trainings must be between 1 and 1000000' using errcode = 'Z0001';
  end if;
  insert into public.free_trainings (user_id, source, reference, quantity)
  values (p_user_id, p_source, p_reference, p_quantity)
  on conflict (user_id, source, reference) do nothing;
  return found;
end
$$;

revoke all on function private.give_trainings from public, anon, authenticated, service_role;
comment on function private.give_trainings is 'Gives a user free trainings, once for each source and reference';
