-- Returns a reference for an award that our own code gives once: the one that is wished for, longer where another service has
-- used that one for the user and the rule, so that such a collision never keeps our own work from being finished.
--
-- Concurrency: the caller holds the user's row, so no award is stored meanwhile.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.unused_reference(p_user_id bigint, p_rule text, p_reference text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := p_reference;
begin
  while exists (
    select from public.xp_awards as a where a.user_id = p_user_id and a.rule = p_rule and a.reference = v_reference
  ) loop
    v_reference := v_reference || ':own';
  end loop;
  return v_reference;
end
$$;

revoke all on function private.unused_reference from public, anon, authenticated, service_role;
comment on function private.unused_reference is 'Returns a reference for an award that our own code gives once';
