-- Returns whether the answer that a worker writes is still wanted. Called before each draft but the first.
--
-- Concurrency: read-only, one row by its key.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'wanted' | 'stopped' | 'superseded'
--                          (stopped: by the user; superseded: another worker has taken over, or the user was erased)
-- Errors: none.
create or replace function public.answer_state(p_bot text, p_update_id bigint, p_attempt integer)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_stopped boolean;
begin
  select t.is_stopped into v_is_stopped
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id and t.attempt = p_attempt and t.status = 'working';
  return jsonb_build_object(
    'outcome', case when v_is_stopped then 'stopped' when found then 'wanted' else 'superseded' end
  );
end
$$;

revoke all on function public.answer_state from public, anon, authenticated, service_role;
grant execute on function public.answer_state to bot_backend;
comment on function public.answer_state is 'Returns whether the answer that a worker writes is still wanted';
