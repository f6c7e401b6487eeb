-- Takes free trainings from a user, the oldest first, and as many as are left at most.
--
-- Concurrency: the caller holds the user's row, so no other caller takes them; trainings given at the same time may
--   be missed.
-- Locks: the user's free trainings, by id.
-- Returns: integer, how many were taken.
-- Errors: none.
create or replace function private.use_trainings(p_user_id bigint, p_quantity integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_given record;
  v_left integer := p_quantity;
begin
  for v_given in
    select f.id, f.quantity - f.used as rest
      from public.free_trainings as f
     where f.user_id = p_user_id and f.used < f.quantity
     order by f.id
  loop
    exit when v_left = 0;
    update public.free_trainings as f set used = f.used + least(v_given.rest, v_left) where f.id = v_given.id;
    v_left := v_left - least(v_given.rest, v_left);
  end loop;
  return p_quantity - v_left;
end
$$;

revoke all on function private.use_trainings from public, anon, authenticated, service_role;
comment on function private.use_trainings is 'Takes free trainings from a user, the oldest first';
