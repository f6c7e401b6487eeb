-- Returns a user's job, for showing it or sending its files again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'
--   generation?: private.generation_state
-- Errors: none.
create or replace function public.get_generation(p_user_id bigint, p_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations;
begin
  select g.* into v_job from public.generations as g where g.id = p_id and g.user_id = p_user_id;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  return jsonb_build_object('outcome', 'found', 'generation', private.generation_state(v_job));
end
$$;

revoke all on function public.get_generation from public, anon, authenticated, service_role;
grant execute on function public.get_generation to bot_backend;
comment on function public.get_generation is 'Returns a user''s job';
