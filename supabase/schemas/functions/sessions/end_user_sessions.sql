-- Ends sessions of a user: the one with this id, or all but p_except where the id is null.
--
-- Concurrency: a repeated call finds nothing to end.
-- Locks: sessions of the user.
-- Returns: jsonb
--   ended: int
-- Errors: none.
create or replace function public.end_user_sessions(p_user_id bigint, p_session_id bigint, p_except bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ended integer;
begin
  delete from public.user_sessions as s
   where s.user_id = p_user_id
     and case when p_session_id is null then s.id is distinct from p_except else s.id = p_session_id end;
  get diagnostics v_ended = row_count;
  return jsonb_build_object('ended', v_ended);
end
$$;

revoke all on function public.end_user_sessions from public, anon, authenticated, service_role;
grant execute on function public.end_user_sessions to bot_backend;
comment on function public.end_user_sessions is 'Ends sessions of a user';
